"""The model of a recorded run: the file the row names, or the catalogue entry of its name."""

import re
from functools import cache
from pathlib import Path

from planner.backtest.run import Run
from planner.errors import BadInput, UnknownName
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.source import load_model

_UNNAMED = re.compile(r"not named|not stated|unknown", re.IGNORECASE)


def model_of(run: Run, folder: Path) -> Model:
    """Load the model of a run, stored as its GGUF file stores it; raises BadInput."""
    model = recorded_model(run.launch.model, run.model_source, folder)
    if run.launch.engine != "llamacpp" or not (run.quantization or run.file_bytes):
        return model
    return as_gguf(model, run.quantization or "", run.file_bytes)


def recorded_model(name: str | None, path: str | None, folder: Path) -> Model:
    """Load the file at `path` (relative to `folder`, that of the rows), else the model of that name.

    Names of rows carry remarks in brackets, alternatives (`DeepSeek-V3/R1 671B`) and sizes that no name has.
    Raises BadInput.
    """
    if path:
        return _load(str(folder / path))
    if not name:
        raise BadInput("is missing", field="model")
    plain = bare_name(name)
    first: BadInput | None = None
    for wording in dict.fromkeys((plain, re.sub(r" \d+B$", "", plain), plain.partition("/")[0])):
        try:
            return _load(wording)
        except UnknownName as unknown:
            first = first or unknown
    raise first or UnknownName("model", plain, [])


def bare_name(name: str) -> str:
    """`Qwen/Qwen3.6-27B (AutoRound INT4)` -> `Qwen/Qwen3.6-27B`; raises BadInput for a model nobody named."""
    if _UNNAMED.search(name.split("(")[0]):
        raise BadInput(f"is {name!r}", field="model", expected="the name of a model")
    return re.sub(r"\s*\(.*?\)\s*", " ", name).strip()


@cache
def _load(source: str) -> Model:
    return load_model(source)
