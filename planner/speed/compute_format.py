"""In which number format a GPU multiplies a weight: its own, or a wider one after unpacking it."""

from functools import cache

from planner.fleet.gpu import Gpu
from planner.models.dtype import DType

_WIDTHS = {"float8": "fp8", "float4": "fp4", "mxfp4": "fp4", "nvfp4": "fp4", "int8": "int8"}
_WIDER = {"fp4": 4.0, "fp8": 2.0, "int8": 2.0, "bf16": 1.0, "fp16": 1.0}
"""Rate of a format over bf16 on matrix units that take it (all NVIDIA and AMD datasheets)."""

UNPACKED = "unpacked"
"""Weights stored narrower than the GPU multiplies: unpacked to bf16 inside the kernel (Marlin, AWQ, Triton)."""


@cache
def compute_format(dtype: DType, scheme: str | None, gpu: Gpu) -> str:
    """Return `bf16`, `fp8`, `fp4`, `int8` or `unpacked` for weights of `dtype` under a quantization scheme.

    MXFP4 weights meet eight-bit activations on GPUs with four-bit units, so they run at the fp8 rate
    (OCP Microscaling v1.0 mixes the two); NVFP4 has four-bit activations. GGUF blocks and four-bit
    integers are unpacked everywhere.
    """
    if dtype.bits >= 16:
        return "bf16"
    wanted = next((width for name, width in _WIDTHS.items() if dtype.name.startswith(name)), None)
    if wanted == "int8":
        return "int8" if "int8" in gpu.dense_tflops and dtype.block_elements == 1 else UNPACKED
    if wanted is None or wanted not in gpu.native:
        return UNPACKED
    return "fp8" if wanted == "fp4" and scheme == "mxfp4" else wanted


@cache
def peak_flops(gpu: Gpu, name: str) -> float:
    """Dense FLOP/s of the datasheet; a rate that the sheet leaves out follows from another by its width.

    Returns 0 when the sheet gives no matrix rate at all.
    """
    rates = gpu.dense_tflops
    name = "bf16" if name == UNPACKED else name
    if name in rates:
        return rates[name] * 1e12
    if name == "bf16" and "fp16" in rates:
        return rates["fp16"] * 1e12
    for known in ("bf16", "fp16", "fp8", "int8", "fp4"):
        if known in rates:
            return rates[known] * 1e12 * _WIDER[name] / _WIDER[known]
    return rates.get("fp32", 0.0) * 1e12


@cache
def half_accumulating_flops(gpu: Gpu) -> float:
    """FLOP/s of half-precision products summed in half precision, as llama.cpp multiplies (CUBLAS_COMPUTE_16F).

    GeForce sheets state the rate with sums in single precision, half of this one; the eight-bit integer
    rate is twice this one on every NVIDIA part.
    """
    return max(peak_flops(gpu, "bf16"), gpu.dense_tflops.get("int8", 0.0) * 0.5e12)


def engine_flops(gpu: Gpu, name: str, *, half_sums: bool) -> float:
    """Return the peak of a format under an engine that does (or does not) sum in half precision."""
    return half_accumulating_flops(gpu) if half_sums and name in ("bf16", UNPACKED) else peak_flops(gpu, name)
