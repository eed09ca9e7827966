"""The model of a recorded run: the file the row names, or the catalogue entry of its name."""

import re
from functools import cache
from pathlib import Path

from planner.backtest.run import Run
from planner.errors import BadInput
from planner.models.model import Model
from planner.models.source import load_model

_UNNAMED = re.compile(r"not named|not stated|unknown", re.IGNORECASE)


def model_of(run: Run, folder: Path) -> Model:
    """Load the model; a relative `model_path` is looked up beside the file of rows. Raises BadInput."""
    if run.model_source:
        return _load(str(folder / run.model_source))
    return _load(bare_name(run.launch.model))


def bare_name(name: str) -> str:
    """`Qwen/Qwen3.6-27B (AutoRound INT4)` -> `Qwen/Qwen3.6-27B`; raises BadInput for a model nobody named."""
    if _UNNAMED.search(name.split("(")[0]):
        raise BadInput(f"is {name!r}", field="model", expected="the name of a model")
    return re.sub(r"\s*\(.*?\)\s*", " ", name).strip()


@cache
def _load(source: str) -> Model:
    return load_model(source)
