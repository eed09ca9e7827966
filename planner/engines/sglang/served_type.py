"""The number format that SGLang loads unquantized weights in, and computes in."""

from planner.layout import Layout
from planner.models.dtype import BF16, F16, F32, DType, dtype_named
from planner.models.model import Model


def served_type(model: Model, layout: Layout) -> DType:
    """Return `--dtype`, else that of the checkpoint; of float32 a half is made, of Gemma's in bfloat16.

    Source: configs/model_config.py (_get_and_verify_dtype), SGLang 0.5.23.
    """
    wished = str(layout.options.get("dtype", "auto"))
    if wished != "auto":
        return dtype_named(wished, "--dtype")
    if model.dtype != F32:
        return model.dtype
    return BF16 if model.model_type.startswith("gemma") else F16
