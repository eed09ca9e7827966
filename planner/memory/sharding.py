"""Bytes that one rank holds of a tensor."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from math import prod

from planner.models.layer import Layer
from planner.models.tensor import Kind, Role, Split, Tensor
from planner.units import ceil_div, round_up

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sharding:
    """How a stage's tensors are divided.

    `tensor` ranks divide attention and dense layers. Routed experts are divided `expert_tensor` ways
    inside and `experts` ways between them; the first ranks hold one more when they do not divide, and
    `expert_rank` says which rank is meant. `vocabulary_padding` is the multiple that the vocabulary is
    padded to before it is divided.
    """

    tensor: int = 1
    expert_tensor: int = 1
    experts: int = 1
    expert_rank: int = 0
    vocabulary_padding: int = 64

    def shape(self, tensor: Tensor) -> Shape:
        """Shape on the rank."""
        shape = list(tensor.shape)
        ways = self.expert_tensor if tensor.role is Role.EXPERT else self.tensor
        if tensor.experts:
            shape[0] = shape[0] // self.experts + (self.expert_rank < shape[0] % self.experts)
        if tensor.split is Split.REPLICATED:
            return tuple(shape)
        axis = -1 if tensor.split is Split.ROW else (1 if tensor.experts else 0)
        if tensor.split is Split.VOCABULARY:
            shape[axis] = round_up(shape[axis], self.vocabulary_padding) // ways
        elif tensor.split is Split.KV_HEADS and tensor.units:
            per_head = shape[axis] // tensor.units
            shape[axis] = max(1, tensor.units // ways) * per_head
        else:
            shape[axis] = ceil_div(shape[axis], ways)
        return tuple(shape)

    def shapes(self, tensors: Iterable[Tensor]) -> Iterator[tuple[Tensor, Shape]]:
        """Yield each tensor with its shape on the rank.

        The scales of a matrix follow the part of the matrix that the rank holds, the last block perhaps
        not full; they come after the matrix.
        """
        matrix: Tensor | None = None
        part: Shape = ()
        for tensor in tensors:
            shape = self.shape(tensor)
            if tensor.matmul:
                matrix, part = tensor, shape
            elif matrix is not None and _scales(tensor, matrix):
                blocks = map(scale_block, matrix.shape, tensor.shape)
                shape = tuple(ceil_div(extent, block) for extent, block in zip(part, blocks, strict=True))
            yield tensor, shape

    def bytes(self, tensor: Tensor) -> int:
        """Bytes on the rank, of a tensor that is no scale."""
        return tensor.dtype.size(prod(self.shape(tensor)))

    def total(self, tensors: Iterable[Tensor]) -> int:
        """Bytes of several tensors on the rank."""
        return sum(tensor.dtype.size(prod(shape)) for tensor, shape in self.shapes(tensors))


def scale_block(size: int, scales: int) -> int:
    """Elements along an axis that share a scale: the largest power of two that explains their number."""
    power = 1 << max(size - 1, 0).bit_length()
    while power > 1:
        if ceil_div(size, power) == scales:
            return power
        power //= 2
    return size // scales


def _scales(tensor: Tensor, matrix: Tensor) -> bool:
    same_part = tensor.name.partition("[")[2] == matrix.name.partition("[")[2]
    return (
        tensor.kind is Kind.SCALE
        and len(tensor.shape) == len(matrix.shape)
        and tensor.module == matrix.module
        and same_part
    )


@cache
def layer_bytes(layer: Layer, sharding: Sharding) -> int:
    """Weight bytes of one layer on one rank."""
    return sharding.total(layer.tensors)
