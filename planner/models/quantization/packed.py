"""Weights of two to eight bits packed into 32-bit words with a scale for each group: AWQ, GPTQ, AutoRound."""

from planner.models.config_json import Config
from planner.models.dtype import DType
from planner.models.quantization.storage import Storage, packed_integer


def packed(config: Config, bits: int, group: int, *, zero: bool, scale: DType, index: bool = False) -> Storage:
    """Return `qweight`, `scales`, `qzeros` and, with `index`, `g_idx`; a group of -1 is a whole row.

    Raises BadInput for bits that no tool packs.
    """
    try:
        weight = packed_integer(bits)
    except KeyError:
        raise config.wrong("bits", bits, "2, 3, 4 or 8") from None
    return Storage(
        weight, scale, (1, max(group, 0)), weight_leaf="qweight", scale_leaf="scales",
        zero=weight if zero else None, zero_leaf="qzeros", index="g_idx" if index else "",
    )  # fmt: skip
