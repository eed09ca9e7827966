"""Weights that share a scale along their inputs in groups: what a rank holds of each, and whether groups stay whole."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from planner.memory.sharding import Shape, scale_block
from planner.models.tensor import Kind, Tensor


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
