"""Tensors of mixture-of-experts layers: router, routed experts, shared experts."""

from planner.models.dtype import F32, DType
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.tensor import Kind, Role, Tensor


def router(name: str, hidden: int, experts: int, dtype: DType, *, bias: bool = False) -> tuple[Tensor, ...]:
    """Return the routing matrix, whole on every rank."""
    return linear(name, experts, hidden, dtype, Role.ROUTER, bias=bias)


def correction_bias(name: str, experts: int) -> Tensor:
    """Return the load-balancing bias of DeepSeek-V3 routers (arXiv 2412.19437, section 2.1.2): stored, no parameter."""
    return Tensor(name, (experts,), F32, Role.ROUTER, kind=Kind.BUFFER)


def routed_experts(
    hidden: int, intermediate: int, experts: int, dtype: DType, *, name: str = "mlp.experts.*"
) -> tuple[Tensor, ...]:
    """Return the gated feed-forward matrices of all routed experts, stacked."""
    return gated_mlp(hidden, intermediate, dtype, name=name, role=Role.EXPERT, experts=experts)


def shared_experts(
    hidden: int, intermediate: int, dtype: DType, *, name: str = "mlp.shared_experts"
) -> tuple[Tensor, ...]:
    """Return the experts that every token visits, as the one wide layer that checkpoints store."""
    return gated_mlp(hidden, intermediate, dtype, name=name, role=Role.SHARED_EXPERT)
