"""Weights that share a scale along their inputs in groups: what a rank holds of each, and which groups are broken."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import gcd

from planner.memory.sharding import Shape, scale_block
from planner.models.dtype import FP4
from planner.models.tensor import Kind, Role, Tensor

_LEAST_GROUP = 32
"""Inputs of the smallest group that kernels of experts take (vLLM and SGLang: layers/quantization/moe_wna16.py)."""


@dataclass(frozen=True)
class GroupedWeight:
    """A matrix with a scale for every `group` inputs of a row, of which a rank multiplies `inputs`."""

    tensor: Tensor
    inputs: int
    group: int

    @property
    def whole(self) -> bool:
        """Whether the inputs of the rank are whole groups; a width that no group divides never is, cut or not."""
        return self.inputs % self.group == 0

    def words(self) -> str:
        """Say what is wrong."""
        return f"{self.tensor.module}: {self.inputs} inputs on a rank are no whole groups of {self.group}"


def grouped_weights(tensors: Iterable[Tensor], part: Callable[[Tensor], Shape]) -> Iterator[GroupedWeight]:
    """Yield every matrix that has several scales a row; `part` is the shape of a tensor on the rank.

    Scales stand behind their matrix. Blocks that span outputs too are no groups, nor is one scale for a whole row.
    """
    matrix: Tensor | None = None
    for tensor in tensors:
        if tensor.matmul:
            matrix = tensor
        elif tensor.kind is Kind.SCALE and matrix and tensor.shape[:-1] == matrix.shape[:-1] and tensor.shape[-1] > 1:
            group = scale_block(matrix.shape[-1], tensor.shape[-1])
            yield GroupedWeight(matrix, part(matrix)[-1], group)
            matrix = None


def broken_groups(tensors: Iterable[Tensor], part: Callable[[Tensor], Shape], *, halves: bool) -> Iterator[str]:
    """Say which matrices of vLLM's and SGLang's layers are no whole groups on the rank, also where nothing is cut.

    With `halves` the groups of experts are halved until they fit; experts in four-bit floats are padded to what their
    kernels take.
    """
    for weight in grouped_weights(tensors, part):
        expert = weight.tensor.role is Role.EXPERT
        if expert and halves:
            if gcd(weight.group, weight.inputs) < min(weight.group, _LEAST_GROUP):
                yield f"{weight.words()}, nor of {_LEAST_GROUP}"
        elif not weight.whole and not (expert and weight.tensor.dtype is FP4):
            yield weight.words()
