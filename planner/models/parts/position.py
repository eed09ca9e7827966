"""Learned position embeddings."""

from planner.models.dtype import DType
from planner.models.tensor import Role, Tensor


def positions(name: str, length: int, width: int, dtype: DType) -> Tensor:
    """Return a table of `length` positions, whole on every rank."""
    return Tensor(f"{name}.weight", (length, width), dtype, Role.POSITION)
