"""The number format that TensorRT-LLM holds the unquantized weights of a float32 checkpoint in."""

from dataclasses import replace
from functools import cache

from planner.engines.trtllm import architecture
from planner.engines.trtllm.release import TENSORRT
from planner.models.dtype import BF16, F16, F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Tensor


def served_type(model: Model, backend: str) -> DType:
    """Return the type of the checkpoint, or what is made of float32.

    Engines are converted to float16 (convert_checkpoint.py: "if the source dtype is float32, it is converted to
    float16"). The PyTorch backend takes the config's type, and few classes make bfloat16 of float32
    (models/modeling_starcoder2.py, 1.2).
    """
    if model.dtype != F32:
        return model.dtype
    if backend == TENSORRT:
        return F16
    return BF16 if architecture.has(model, "float32_made_bfloat16") else F32


def served_tensor(tensor: Tensor, stored: DType, served: DType) -> Tensor:
    """Return a tensor as it is held, of what the checkpoint has as `stored`."""
    return replace(tensor, dtype=served) if tensor.dtype == stored != served else tensor


@cache
def served_layer(layer: Layer, stored: DType, served: DType) -> Layer:
    """Return a layer as it is held; itself where nothing changes."""
    if stored == served:
        return layer
    return replace(layer, tensors=tuple(served_tensor(tensor, stored, served) for tensor in layer.tensors))
