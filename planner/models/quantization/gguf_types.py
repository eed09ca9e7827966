"""GGUF storage types: a block of elements takes a fixed number of bytes (ggml/src/ggml-common.h)."""

from planner.models.dtype import BF16, F16, F32, DType

_BLOCKS = {
    "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22), "Q5_1": (32, 24), "Q8_0": (32, 34),
    "Q2_K": (256, 84), "Q3_K": (256, 110), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210),
    "IQ1_S": (256, 50), "IQ1_M": (256, 56), "IQ2_XXS": (256, 66), "IQ2_XS": (256, 74), "IQ2_S": (256, 82),
    "IQ3_XXS": (256, 98), "IQ3_S": (256, 110), "IQ4_NL": (32, 18), "IQ4_XS": (256, 136),
    "TQ1_0": (256, 54), "TQ2_0": (256, 66), "MXFP4": (32, 17), "NVFP4": (64, 36),
}  # fmt: skip

GGUF_TYPES = {name: DType(name.lower(), *block) for name, block in _BLOCKS.items()} | {
    "F32": F32,
    "F16": F16,
    "BF16": BF16,
}
"""Type of each name; quantized types carry the name in lower case, as llama.cpp prints it."""


def is_quantized(dtype: DType) -> bool:
    """Whether a type holds blocks of elements."""
    return dtype.block_elements > 1
