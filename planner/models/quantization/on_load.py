"""Quantization while a checkpoint is loaded: full-precision files, fewer bits on the GPU."""

from planner.models.model import Model
from planner.models.quantization import Scheme
from planner.models.quantization.apply import quantize
from planner.models.quantization.bitsandbytes import four_bits
from planner.models.quantization.experts_only import INT8_EXPERTS
from planner.models.quantization.fp8 import tensor_fp8
from planner.models.quantization.rules import Rules

_SCHEMES: dict[str, Scheme] = {
    "fp8": Rules("fp8", tensor_fp8(static=False)),
    "bitsandbytes": Rules("bitsandbytes", four_bits("nf4", double=True)),
    "experts_int8": INT8_EXPERTS,
}
ENGINES = {"fp8": ("vllm", "sglang"), "bitsandbytes": ("vllm", "sglang"), "experts_int8": ("vllm",)}
"""Engines that do it, by scheme: `--quantization fp8` on a 16-bit checkpoint (vllm and sglang,
layers/quantization/fp8.py: one scale a matrix, dynamic activations); bitsandbytes makes nf4 with double quantization
(model_loader, quantize_4bit with compress_statistics); experts_int8 converts experts only."""


def quantized_on_load(model: Model, scheme: str, engine: str) -> Model | None:
    """Return the model as the engine holds it; None where it cannot, or where the checkpoint is quantized already."""
    if model.quantization or engine not in ENGINES.get(scheme, ()):
        return None
    return quantize(model, _SCHEMES[scheme])
