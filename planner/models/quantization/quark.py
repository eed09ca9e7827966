"""Checkpoints of AMD Quark: FP8, INT8 and MXFP4, for all layers or by pattern.

Source: vLLM's layers/quantization/quark (quark.py, schemes).
"""

from planner.models.config_json import Config
from planner.models.dtype import E8M0, F32, FP4, FP8, INT4, INT8, DType
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, checked_pattern, patterns
from planner.models.quantization.storage import Storage

_TYPES: dict[str, DType] = {"fp8_e4m3": FP8, "int8": INT8, "fp4": FP4, "int4": INT4, "uint4": INT4}


@scheme("quark")
def quark(config: Config) -> Scheme:
    """Read `global_quant_config`, `layer_quant_config` and `exclude`."""
    layers = config.part("layer_quant_config")
    special = tuple(
        ((checked_pattern(config, "layer_quant_config", name),), _stored(layers.section(name))) for name in layers.data
    )
    ignored = patterns(config, "exclude")
    return Rules("quark", _stored(config.part("global_quant_config")), ignored, special, head=True)


def _stored(said: Config) -> Storage | None:
    if "weight" not in said:
        return None
    weight = said.section("weight")
    dtype, kind = weight.text("dtype"), weight.text("qscheme", default="per_tensor")
    if dtype not in _TYPES:
        raise weight.wrong("dtype", dtype, f"one of {', '.join(_TYPES)}")
    group = weight.integer("group_size", default=32) if kind == "per_group" else 0
    block = {"per_tensor": (0, 0), "per_channel": (1, 0), "per_group": (1, group)}.get(kind)
    if block is None:
        raise weight.wrong("qscheme", kind, "per_tensor, per_channel or per_group")
    static = "input_tensors" in said and said.section("input_tensors").get("is_dynamic") is False
    scale = E8M0 if dtype == "fp4" else F32
    return Storage(_TYPES[dtype], scale, block, scalars=("input_scale",) if static else ())
