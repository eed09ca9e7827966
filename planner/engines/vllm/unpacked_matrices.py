"""Matrices of bitsandbytes are unpacked to 16 bits to be multiplied with more than one token.

One at a time, however many make up a layer of the engine, and each product is copied into the output of all of them
(layers/quantization/bitsandbytes.py, _apply_bnb_4bit, 0.5.4 to 0.24; bitsandbytes 0.45, autograd/_functions.py,
MatMul4Bit): 0.37 GiB of QwQ-32B with 2,048 tokens. Experts are unpacked all at once (BitsAndBytesMoEMethod, from 0.10).
"""

from collections.abc import Iterable
from math import prod

from planner.memory.sharding import Sharding
from planner.models.dtype import NF4, DType
from planner.models.layer import Layer


def unpacked_bytes(layers: Iterable[Layer], how: Sharding, served: DType, tokens: int) -> int:
    """Return the bytes of the most that is unpacked on a rank and of what it is multiplied into."""
    return served.size(max((_elements(layer, how, tokens) for layer in layers), default=0))


def _elements(layer: Layer, how: Sharding, tokens: int) -> int:
    packed = [tensor for tensor in layer.tensors if tensor.matmul and tensor.dtype == NF4]
    experts = sum(prod(how.shape(tensor)) for tensor in packed if tensor.experts)
    shapes = [how.shape(tensor) for tensor in packed if not tensor.experts]
    return max(experts, *(prod(shape) + tokens * shape[-2] for shape in shapes), 0)
