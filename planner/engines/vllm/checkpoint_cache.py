"""The cache type that a checkpoint asks for, which `--kv-cache-dtype auto` follows."""

from collections.abc import Mapping
from typing import Any

from planner.models.model import Model


def checkpoint_cache_dtype(model: Model) -> str | None:
    """Return `fp8` when the checkpoint was made for an eight-bit cache, else None.

    ModelOpt says `kv_cache_quant_algo: FP8`, compressed-tensors `kv_cache_scheme: {num_bits: 8, type: float}`
    (vllm/config/cache.py and utils/torch_utils.py, resolve_kv_cache_dtype_string).
    """
    section = model.config.get("quantization_config")
    if not isinstance(section, Mapping):
        return None
    inner = section.get("quantization")
    places: list[Mapping[str, Any]] = [section, *([inner] if isinstance(inner, Mapping) else [])]
    for place in places:
        if str(place.get("kv_cache_quant_algo") or "").upper() == "FP8":
            return "fp8"
        scheme = place.get("kv_cache_scheme")
        if isinstance(scheme, Mapping) and scheme.get("num_bits") == 8:
            return "fp8" if scheme.get("type") == "float" else None
    return None
