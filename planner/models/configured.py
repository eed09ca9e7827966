"""A model from its config.json: the blueprint of its `model_type`, then the scheme of its `quantization_config`."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.data_files import read_json
from planner.models.blueprints import find_blueprint
from planner.models.config_json import Config
from planner.models.generic_decoder import generic_decoder
from planner.models.model import Model
from planner.models.quantization import schemes
from planner.models.quantization.apply import quantize

_BESIDE = "hf_quant_config.json"


def model_from_file(path: Path, name: str, fields: Mapping[str, Any] | None = None) -> Model:
    """Read one config.json, and the hf_quant_config.json of ModelOpt beside it when it says no quantization.

    `fields` replace fields of the config; one that is None takes the field out.
    """
    data = read_json(path)
    if isinstance(data, dict):
        data = _with_quantization(data, path)
        changed = fields or {}
        data = {key: value for key, value in (data | dict(changed)).items() if value is not None or key not in changed}
    return model_from_config(Config(data, where=path), name=name)


def _with_quantization(data: dict[str, Any], path: Path) -> dict[str, Any]:
    """Add `hf_quant_config.json`, or `NAME.hf_quant_config.json` of the catalogue, as `quantization_config`."""
    places = (path.with_name(_BESIDE) if path.name == "config.json" else path.with_suffix("." + _BESIDE),)
    found = next((place for place in places if place.is_file()), None)
    if found is None or "quantization_config" in data:
        return data
    return data | {"quantization_config": {"quant_method": "modelopt"} | dict(read_json(found))}


def model_from_config(config: Config, name: str) -> Model:
    """Write the tensor list by the blueprint of `model_type`, then quantize it as the config says."""
    model_type = config.text("model_type")
    write = find_blueprint(model_type) or generic_decoder
    model = write(config)
    section = _quantization(config)
    if section is not None:
        method = section.text("quant_method", default="modelopt" if "quant_algo" in section else "")
        if method not in schemes():
            raise section.wrong("quant_method", method, f"one of {', '.join(sorted(schemes()))}")
        model = quantize(model, schemes()[method](section))
    return replace(model, name=name).assuming(*config.assumptions)


def _quantization(config: Config) -> Config | None:
    """Return the section, which composites keep with the decoder."""
    for place in (config, *((config.part("text_config"),) if "text_config" in config else ())):
        for name in ("quantization_config", "compression_config"):
            if name in place:
                found: Config = place.section(name)
                return found
    return None
