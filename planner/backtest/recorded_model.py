"""The model of a recorded run: the file the row names, or the catalogue entry of its name."""

import re
from functools import cache
from pathlib import Path

from planner.backtest.run import Run
from planner.errors import BadInput, UnknownName
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.model_catalogue import catalogue
from planner.models.quantization.gguf import as_gguf
from planner.models.quantization.stored_as import format_family, holds, stored_as
from planner.models.quantization.wished import as_wished
from planner.models.source import load_model, model_from_config

_FORMAT = re.compile(
    r"[-_. ](?:quantized|fp8|nvfp4|fp4|mxfp4|awq|gptq|autoround|int[48]|w\d+a\d+|[48]bit|g(?:32|64|128)"
    r"|dynamic|static|block|kv|mtp)(?=[-_. ]|$)",
    re.IGNORECASE,
)
"""Words by which a name says its format: what is left names the base."""
_UNNAMED = re.compile(r"not named|not stated|unknown", re.IGNORECASE)


def model_of(run: Run, folder: Path) -> Model:
    """Load the model of a run, stored as its GGUF file stores it, or as its engine is told to; raises BadInput."""
    if run.launch.engine != "llamacpp":
        model = recorded_model(run.launch.model, run.model_source, folder, run.quantization)
        wished = run.launch.limits.options.get("quantization")
        return model if wished is None or model.quantization else as_wished(model, str(wished), run.launch.engine)
    model = recorded_model(run.launch.model, run.model_source, folder)
    if not (run.quantization or run.file_bytes):
        return model
    return as_gguf(model, run.quantization or "", run.file_bytes, run.file_params)


def recorded_model(name: str | None, path: str | None, folder: Path, stored: str | None = None) -> Model:
    """Load the model a row names, in the format that it was stored in.

    `stored` is the row's word for the format (`fp8`, `int4_awq`, `compressed-tensors`); where that says too little,
    the name does (`...-FP8-dynamic`). A checkpoint that brings its own format keeps it, unless the row names another.
    Raises BadInput.
    """
    model = _named(name, path, folder)
    words = next((text for text in (stored, name) if format_family(text)), None)
    return model if words is None else _stored(model, words)


@cache
def _stored(model: Model, words: str) -> Model:
    if holds(model, words):
        return model
    family = format_family(words)
    if family == "nvfp4" and (published := f"nvidia/{model.name.rpartition('/')[2]}-NVFP4") in catalogue():
        return _load(published).assuming(f"weights taken as those of {published}")
    if model.quantization:
        config = {key: value for key, value in model.config.items() if key != "quantization_config"}
        model = model_from_config(Config(config), name=model.name)
    return stored_as(model, words).assuming(f"weights stored as {family}, as checkpoints of that format usually are")


def _named(name: str | None, path: str | None, folder: Path) -> Model:
    """Load the file at `path` (relative to `folder`, that of the rows), else the model of that name.

    Names of rows carry remarks in brackets, alternatives (`DeepSeek-V3/R1 671B`), sizes that no name has,
    and formats (`Qwen3-14B-AWQ`) whose checkpoint is the base model's, stored otherwise. Raises BadInput.
    """
    if path:
        return _load(str(folder / path))
    if not name:
        raise BadInput("is missing", field="model")
    plain = bare_name(name)
    first: BadInput | None = None
    for wording in dict.fromkeys(
        (plain, re.sub(r" \d+B$", "", plain), plain.partition("/")[0], _FORMAT.sub("", plain))
    ):
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
