"""Widths of the tensors that a forward pass makes on one rank, from the shapes of the weights."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from planner.memory.sharding import Sharding
from planner.models.dtype import E8M0, FP4, INT4
from planner.models.layer import Layer
from planner.models.tensor import Role, Split, Tensor

_BLOCKS = (
    (Role.ATTENTION,),
    (Role.MLP,),
    (Role.SHARED_EXPERT,),
    (Role.SSM,),
)


@dataclass(frozen=True, slots=True)
class RankWidths:
    """Elements a token: `widest` over the blocks of the layer, what column layers write and row layers read.

    `product` is the most that one multiplication writes, matrices that read the same input counted as one.
    `expert` is the width of gate and up of one routed expert on the rank, `chosen` the experts of a token.
    `microscaled` experts are stored in MXFP4; most of their kernels have no buffers of their own. Experts of
    `four_bits` are integers, those of `nvfp4` floats with a scale in eight bits for sixteen.
    """

    widest: int
    product: int = 0
    expert: int = 0
    chosen: int = 0
    microscaled: bool = False
    four_bits: bool = False
    nvfp4: bool = False


@cache
def rank_widths(layer: Layer, how: Sharding) -> RankWidths:
    """Return the widths of a layer."""
    blocks = [[t for t in layer.tensors if t.role in roles] for roles in _BLOCKS]
    widest, product = max(_width(block, how) for block in blocks), max(_product(block, how) for block in blocks)
    if layer.routing is None:
        return RankWidths(widest, product)
    expert = sum(
        how.shape(t)[-2] for t in layer.tensors if t.role is Role.EXPERT and t.matmul and t.split is Split.COLUMN
    )
    types = {t.dtype for t in layer.tensors if t.role is Role.EXPERT}
    microscaled = E8M0 in types and any(t.bits == 4 for t in types)
    return RankWidths(
        widest,
        product,
        expert,
        layer.routing.chosen,
        microscaled,
        INT4 in types,
        nvfp4=FP4 in types and not microscaled,
    )


def _width(tensors: Iterable[Tensor], how: Sharding) -> int:
    total = 0
    for tensor in tensors:
        if tensor.matmul and len(tensor.shape) == 2:
            total += how.shape(tensor)[-1 if tensor.split is Split.ROW else -2]
    return total


def _product(tensors: Iterable[Tensor], how: Sharding) -> int:
    """What the widest multiplication of a block writes: its column layers together, or a row layer."""
    columns, widest = 0, 0
    for tensor in tensors:
        if tensor.matmul and len(tensor.shape) == 2:
            written = how.shape(tensor)[-2]
            columns += 0 if tensor.split is Split.ROW else written
            widest = max(widest, written)
    return max(columns, widest)
