"""Element types as they lie in memory: `block_elements` elements take `block_bytes` bytes."""

from dataclasses import dataclass

from planner.errors import BadInput
from planner.units import ceil_div


@dataclass(frozen=True, slots=True)
class DType:
    """A storage type; GGUF types and packed four-bit types hold a block of elements at a time."""

    name: str
    block_elements: int
    block_bytes: int

    @property
    def bits(self) -> float:
        """Bits an element takes."""
        return 8 * self.block_bytes / self.block_elements

    def size(self, elements: int) -> int:
        """Bytes that `elements` elements take, the last block whole."""
        return ceil_div(elements, self.block_elements) * self.block_bytes

    def __str__(self) -> str:
        return self.name


F64 = DType("float64", 1, 8)
F32 = DType("float32", 1, 4)
F16 = DType("float16", 1, 2)
BF16 = DType("bfloat16", 1, 2)
FP8 = DType("float8_e4m3fn", 1, 1)
FP8_E5M2 = DType("float8_e5m2", 1, 1)
E8M0 = DType("float8_e8m0", 1, 1)
INT64 = DType("int64", 1, 8)
INT32 = DType("int32", 1, 4)
INT16 = DType("int16", 1, 2)
INT8 = DType("int8", 1, 1)
UINT8 = DType("uint8", 1, 1)
BOOL = DType("bool", 1, 1)
INT4 = DType("int4", 2, 1)
FP4 = DType("float4_e2m1", 2, 1)
NF4 = DType("nf4", 2, 1)

BY_NAME = {
    dtype.name: dtype
    for dtype in (
        F64,
        F32,
        F16,
        BF16,
        FP8,
        FP8_E5M2,
        E8M0,
        INT64,
        INT32,
        INT16,
        INT8,
        UINT8,
        BOOL,
        INT4,
        FP4,
        NF4,
    )
} | {
    "half": F16,
    "float": F32,
    "fp8": FP8,
    "fp8_e4m3": FP8,
    "fp8_e5m2": FP8_E5M2,
    "bf16": BF16,
    "fp16": F16,
    "fp32": F32,
}


def dtype_named(name: str, flag: str) -> DType:
    """Return the type that a flag names; raises BadInput with the names there are."""
    if name not in BY_NAME:
        raise BadInput(f"is {name!r}", where=flag, expected=f"auto or one of {', '.join(BY_NAME)}")
    return BY_NAME[name]
