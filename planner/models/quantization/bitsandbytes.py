"""bitsandbytes: four bits with a scale for 64 numbers (QLoRA, arXiv 2305.14314), or eight bits with one a row.

Double quantization stores those scales in eight bits, with one in float32 for 256 of them.
"""

from planner.models.config_json import Config
from planner.models.dtype import F32, FP4, INT8, NF4, UINT8, DType
from planner.models.quantization import Scheme, scheme
from planner.models.quantization.rules import Rules, patterns
from planner.models.quantization.storage import Storage

_DOUBLE = DType("uint8 with float32 for 256", 256, 260)
_STATE = 96
"""Bytes of the JSON text `quant_state` beside each matrix, padded (bitsandbytes/functional.py, as_dict)."""


def four_bits(kind: str, *, double: bool) -> Storage:
    """Return the tensors of a four-bit matrix: weight, `absmax`, the tables of values."""
    state = f"weight.quant_state.bitsandbytes__{kind}"
    tables: tuple[tuple[str, int, DType], ...] = (("weight.quant_map", 16, F32), (state, _STATE, UINT8))
    tables += (("weight.nested_quant_map", 256, F32),) if double else ()
    weight = FP4 if kind == "fp4" else NF4
    return Storage(weight, _DOUBLE if double else F32, (1, 64), scale_leaf="weight.absmax", tables=tables)


@scheme("bitsandbytes")
def bitsandbytes(config: Config) -> Scheme:
    """Read `load_in_4bit`, `bnb_4bit_quant_type`, `bnb_4bit_use_double_quant` and `llm_int8_skip_modules`."""
    skipped = patterns(config, "llm_int8_skip_modules")
    eight = Storage(INT8, F32, (1, 0), scale_leaf="SCB")
    if not config.flag("load_in_4bit", "_load_in_4bit", default=False):
        return Rules("bitsandbytes", eight, skipped)
    kind = config.text("bnb_4bit_quant_type", default="fp4")
    double = config.flag("bnb_4bit_use_double_quant", default=False)
    return Rules("bitsandbytes", four_bits(kind, double=double), skipped)
