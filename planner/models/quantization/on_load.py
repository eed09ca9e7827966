"""Quantization while a checkpoint is loaded: full-precision files, fewer bits on the GPU."""

from dataclasses import replace

from planner.models.model import Model
from planner.models.quantization.apply import quantize
from planner.models.quantization.fp8 import Fp8

ENGINES = {"fp8": ("vllm", "sglang")}
"""Engines that do it, by scheme: `--quantization fp8` on a 16-bit checkpoint (vllm and sglang,
layers/quantization/fp8.py: one scale a matrix, dynamic activations)."""


def quantized_on_load(model: Model, scheme: str, engine: str) -> Model | None:
    """Return the model as the engine holds it; None where it cannot, or where the checkpoint is quantized already."""
    if model.quantization or engine not in ENGINES.get(scheme, ()):
        return None
    held = quantize(model, Fp8(block=None, ignored=(), static_inputs=False))
    return replace(held, quantization=scheme)
