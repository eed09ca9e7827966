"""A tensor as the header of a file lists it."""

from dataclasses import dataclass
from math import prod

from planner.models.dtype import DType


@dataclass(frozen=True, slots=True)
class Stored:
    """Name, storage type and shape (outputs first) of one tensor, and the file that holds it."""

    name: str
    dtype: DType
    shape: tuple[int, ...]
    file: str

    @property
    def elements(self) -> int:
        """Number of stored elements (packed types hold several weights in one)."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes in the file."""
        return self.dtype.size(self.elements)
