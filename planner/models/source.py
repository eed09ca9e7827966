"""From what the user wrote to a model: a file, a directory, a hub id or a catalogue name."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.data_files import read_json
from planner.errors import BadInput
from planner.models.blueprints import find_blueprint, model_types
from planner.models.config_json import Config
from planner.models.gguf_name import gguf_name
from planner.models.model import Model
from planner.models.model_catalogue import Entry, resolve
from planner.models.quantization import schemes
from planner.models.quantization.apply import quantize
from planner.models.quantization.gguf import as_gguf
from planner.models.weights.at_hand import with_weights
from planner.near_names import near_names


def load_model(source: str | Path) -> Model:
    """Read a model from a config.json, a directory that holds one, safetensors beside one, or a catalogue name.

    A name with a GGUF type (`llama-3.1-8b:Q4_K_M`) is the model as `llama-quantize` stores it.

    Raises BadInput (or UnknownName with near names) when it cannot be read.
    """
    path = Path(source)
    if not path.exists() and (stored := gguf_name(str(source))):
        base = load_model(stored.base)
        return replace(as_gguf(base, stored.type), name=f"{base.name}:{stored.type}")
    if path.is_dir():
        return with_weights(model_from_file(path / "config.json", name=path.resolve().name), path)
    if path.is_file() and path.name.endswith((".safetensors", ".safetensors.index.json")):
        return load_model(path.parent)
    if path.is_file():
        return model_from_file(path, name=path.stem if path.name != "config.json" else path.resolve().parent.name)
    if str(source).endswith((".json", ".gguf", ".safetensors")) or str(source).startswith((".", "/")):
        raise BadInput("no such file or directory", where=source)
    return _catalogued(resolve(str(source)))


def _catalogued(entry: Entry) -> Model:
    config = Config(_with_fields(read_json(entry.file), entry.fields), where=entry.file)
    return model_from_config(config, name=entry.model_id).assuming(*entry.notes)


def _with_fields(data: Any, fields: Mapping[str, Any]) -> Any:
    """Return a config with fields replaced; one that is None is taken out."""
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in (data | dict(fields)).items() if value is not None or name not in fields}


def model_from_file(path: Path, name: str) -> Model:
    """Read one config.json."""
    return model_from_config(Config(read_json(path), where=path), name=name)


def model_from_config(config: Config, name: str) -> Model:
    """Write the tensor list by the blueprint of `model_type`, then quantize it as the config says."""
    model_type = config.text("model_type")
    write = find_blueprint(model_type)
    if write is None:
        near = near_names(model_type, model_types())
        expected = f"a known architecture such as {', '.join(near or ['llama', 'qwen3'])}"
        raise config.wrong("model_type", model_type, expected)
    model = write(config)
    if "quantization_config" in config:
        section = config.section("quantization_config")
        method = section.text("quant_method")
        if method not in schemes():
            raise section.wrong("quant_method", method, f"one of {', '.join(sorted(schemes()))}")
        model = quantize(model, schemes()[method](section))
    return replace(model, name=name).assuming(*config.assumptions)
