"""The type of the cached elements: what the user says, else what the checkpoint asks for."""

from collections.abc import Mapping
from typing import Any

from planner.models.model import Model


def resolved(model: Model, name: str | None) -> str:
    """Return the cache type; `auto` follows the checkpoint (QuantConfig.kv_cache_quant_algo), else the model's own."""
    if name and name != "auto":
        return name
    return "fp8" if _asks_for_fp8(model) else "auto"


def _asks_for_fp8(model: Model) -> bool:
    section = model.config.get("quantization_config")
    if not isinstance(section, Mapping):
        return False
    inner = section.get("quantization")
    places: list[Mapping[str, Any]] = [section, *([inner] if isinstance(inner, Mapping) else [])]
    return any(str(place.get("kv_cache_quant_algo")).upper() == "FP8" or _scheme(place) for place in places)


def _scheme(place: Mapping[str, Any]) -> bool:
    scheme = place.get("kv_cache_scheme")
    return isinstance(scheme, Mapping) and (scheme.get("num_bits"), scheme.get("type")) == (8, "float")
