"""Folders that look like checkpoints to an engine: the catalogue's config.json and nothing else."""

import json
import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from planner.models.model_catalogue import resolve

_ROOT = TemporaryDirectory(prefix="gpuplan-checkpoints-")
"""Kept while the tests run."""


@cache
def checkpoint(name: str) -> str:
    """Folder with the config of a catalogue model."""
    entry = resolve(name)
    folder = Path(_ROOT.name) / entry.model_id.replace("/", "--")
    folder.mkdir(exist_ok=True)
    config = json.loads(entry.file.read_text()) | entry.fields
    (folder / "config.json").write_text(json.dumps(config))
    quantization = entry.file.with_name(f"{entry.file.stem}.hf_quant_config.json")
    if quantization.exists():
        shutil.copy(quantization, folder / "hf_quant_config.json")
    return str(folder)
