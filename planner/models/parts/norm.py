"""Normalisation layers: a weight the width of what they normalise, replicated on every rank."""

from collections.abc import Iterable

from planner.models.dtype import DType
from planner.models.tensor import Role, Tensor

PRE_NORMS = ("input_layernorm", "post_attention_layernorm")
SANDWICH_NORMS = (*PRE_NORMS, "pre_feedforward_layernorm", "post_feedforward_layernorm")


def norm(name: str, width: int, dtype: DType, *, bias: bool = False) -> tuple[Tensor, ...]:
    """Return RMSNorm (weight) or LayerNorm (weight and bias)."""
    weight = Tensor(f"{name}.weight", (width,), dtype, Role.NORM)
    return (weight, Tensor(f"{name}.bias", (width,), dtype, Role.NORM)) if bias else (weight,)


def norms(names: Iterable[str], width: int, dtype: DType, *, bias: bool = False) -> tuple[Tensor, ...]:
    """Return several norms of one width."""
    return tuple(tensor for name in names for tensor in norm(name, width, dtype, bias=bias))
