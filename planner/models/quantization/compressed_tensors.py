"""Checkpoints of compressed-tensors (llm-compressor): integers or floats of four and eight bits, by groups of modules.

Tensor names and types: compressed_tensors/compressors and vLLM's layers/quantization/compressed_tensors.
"""

from planner.models.config_json import Config
from planner.models.dtype import BF16, E8M0, FP4, FP8, INT8, INT64
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage, packed_integer

_SHAPE = (("weight_shape", 2, INT64),)
_CLASSES = {"Linear", "FusedMoE", "MoEGate"}


@scheme("compressed-tensors")
def compressed_tensors(config: Config) -> Scheme:
    """Read `config_groups` (targets, weights, inputs), `format` and `ignore`.

    Raises BadInput for sparse formats and for a storage no compressor writes.
    """
    groups = config.section("config_groups")
    sparsity = config.part("sparsity_config").text("format", default="dense")
    if sparsity not in ("dense", ""):
        raise config.wrong("sparsity_config.format", sparsity, "dense")
    ignored = patterns(config, "ignore")
    default: Storage | None = None
    special: list[tuple[tuple[str, ...], Storage | None]] = []
    for name in groups.data:
        group = groups.section(name)
        stored = _stored(config, group)
        targets = patterns(group, "targets")
        if _CLASSES & set(targets):
            default = default or stored
        if named := tuple(target for target in targets if target not in _CLASSES):
            special.append((named, stored))
    return Rules("compressed-tensors", default, ignored, tuple(special), head=True)


def _stored(config: Config, group: Config) -> Storage:
    weights = group.section("weights")
    bits, kind = weights.integer("num_bits"), weights.text("type", default="int")
    inputs = group.section("input_activations") if "input_activations" in group else None
    packing = group.text("format", default="") or config.text("format", default="")
    if (kind, bits) == ("float", 4):
        return _four_bit_float(weights, packing, inputs=inputs is not None)
    static = inputs is not None and inputs.get("dynamic") is False
    scalars = ("input_scale",) if static else ()
    if (kind, bits) == ("float", 8):
        mx = weights.get("group_size") == 32 and weights.get("strategy") == "group"
        return Storage(FP8, E8M0 if mx else BF16, _block(weights), scalars=scalars)
    if kind != "int" or bits not in (2, 3, 4, 8):
        raise weights.wrong("num_bits", bits, "int 2, 3, 4, 8 or float 4, 8")
    if bits == 8 and packing in ("int-quantized", "naive-quantized"):
        return Storage(INT8, BF16, _block(weights), scalars=scalars)
    packed = packed_integer(bits)
    zero = None if weights.flag("symmetric", default=True) else packed
    index = "weight_g_idx" if weights.get("actorder") in ("group", True) else ""
    return Storage(packed, BF16, _block(weights), weight_leaf="weight_packed", zero=zero, index=index, tables=_SHAPE)


def _four_bit_float(weights: Config, packing: str, *, inputs: bool) -> Storage:
    """NVFP4 (a scale in FP8 for 16, and one for the matrix) or MXFP4 (an exponent for 32)."""
    if weights.get("group_size") == 32 or "mxfp4" in packing:
        return Storage(FP4, E8M0, (1, 32), weight_leaf="weight_packed")
    scalars = ("weight_global_scale", *(("input_global_scale",) if inputs else ()))
    return Storage(FP4, FP8, (1, 16), weight_leaf="weight_packed", scalars=scalars)


def _block(weights: Config) -> tuple[int, int]:
    """Return the outputs and inputs that share a scale, by `strategy`."""
    strategy = weights.text("strategy", default="tensor")
    if strategy == "block" and len(block := weights.integers("block_structure")) == 2 and min(block) > 0:
        return block[0], block[1]
    if strategy in ("group", "tensor_group"):
        return 1, weights.integer("group_size")
    if strategy == "channel":
        return 1, 0
    if strategy == "tensor":
        return 0, 0
    raise weights.wrong("strategy", strategy, "tensor, channel, group with group_size or block")
