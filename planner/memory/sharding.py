"""Bytes that one rank holds of a tensor."""

from dataclasses import dataclass
from functools import cache

from planner.models.layer import Layer
from planner.models.tensor import Role, Split, Tensor
from planner.units import ceil_div, round_up


@dataclass(frozen=True, slots=True)
class Sharding:
    """How a stage's tensors are divided.

    `tensor` ranks divide attention and dense layers. Routed experts are divided `expert_tensor` ways
    inside and `experts` ways between them. `vocabulary_padding` is the multiple that the vocabulary
    is padded to before it is divided.
    """

    tensor: int = 1
    expert_tensor: int = 1
    experts: int = 1
    vocabulary_padding: int = 64

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Shape on the rank that holds most."""
        shape = list(tensor.shape)
        ways = self.expert_tensor if tensor.role is Role.EXPERT else self.tensor
        if tensor.experts:
            shape[0] = ceil_div(shape[0], self.experts)
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

    def bytes(self, tensor: Tensor) -> int:
        """Bytes on the rank that holds most."""
        elements = 1
        for size in self.shape(tensor):
            elements *= size
        return tensor.dtype.size(elements)


@cache
def layer_bytes(layer: Layer, sharding: Sharding) -> int:
    """Weight bytes of one layer on one rank."""
    return sum(sharding.bytes(tensor) for tensor in layer.tensors)
