"""Folders that look like checkpoints to an engine: the catalogue's config.json and nothing else."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from planner.models.model_catalogue import resolve

_ROOT = Path(mkdtemp(prefix="gpuplan-checkpoints-"))


@cache
def checkpoint(name: str) -> str:
    """Folder with the config of a catalogue model."""
    model_id, file, _ = resolve(name)
    folder = _ROOT / model_id.replace("/", "--")
    folder.mkdir(exist_ok=True)
    shutil.copy(file, folder / "config.json")
    quantization = file.with_name(f"{file.stem}.hf_quant_config.json")
    if quantization.exists():
        shutil.copy(quantization, folder / "hf_quant_config.json")
    return str(folder)
