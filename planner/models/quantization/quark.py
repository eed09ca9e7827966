"""Checkpoints of AMD Quark: FP8, INT8 and MXFP4, for all layers or by pattern.

Source: vLLM's layers/quantization/quark (quark.py, schemes).
"""

from collections.abc import Mapping
from typing import Any

from planner.models.config_json import Config
from planner.models.dtype import E8M0, F32, FP4, FP8, INT4, INT8, DType
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage

_TYPES: dict[str, DType] = {"fp8_e4m3": FP8, "int8": INT8, "fp4": FP4, "int4": INT4, "uint4": INT4}


@scheme("quark")
def quark(config: Config) -> Scheme:
    """Read `global_quant_config`, `layer_quant_config` and `exclude`."""
    layers = config.get("layer_quant_config", default={})
    special = tuple(((str(pattern),), _stored(config, said)) for pattern, said in _object(config, layers).items())
    ignored = patterns(config.items("exclude", default=[]))
    return Rules("quark", _stored(config, config.get("global_quant_config", default={})), ignored, special, head=True)


def _object(config: Config, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise config.wrong("layer_quant_config", value, "an object")
    return value


def _stored(config: Config, said: Any) -> Storage | None:
    weight = said.get("weight") if isinstance(said, Mapping) else None
    if weight is None:
        return None
    dtype, scheme_name = str(weight.get("dtype")), str(weight.get("qscheme"))
    if dtype not in _TYPES:
        raise config.wrong("global_quant_config.weight.dtype", dtype, f"one of {', '.join(_TYPES)}")
    group = weight.get("group_size")
    block = {"per_tensor": (0, 0), "per_channel": (1, 0), "per_group": (1, group or 32)}.get(scheme_name)
    if block is None:
        raise config.wrong("global_quant_config.weight.qscheme", scheme_name, "per_tensor, per_channel or per_group")
    inputs = said.get("input_tensors")
    static = isinstance(inputs, Mapping) and inputs.get("is_dynamic") is False
    scale = E8M0 if dtype == "fp4" else F32
    return Storage(_TYPES[dtype], scale, block, scalars=("input_scale",) if static else ())
