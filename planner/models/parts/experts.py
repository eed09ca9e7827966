"""Tensors of mixture-of-experts layers: router, routed experts, shared experts."""

from planner.models.dtype import F32, DType
from planner.models.parts.linear import linear
from planner.models.parts.mlp import GATED, gated_mlp
from planner.models.tensor import Kind, Role, Tensor


def router(
    hidden: int, experts: int, dtype: DType, *, name: str = "mlp.gate", bias: bool = False
) -> tuple[Tensor, ...]:
    """Return the routing matrix, whole on every rank."""
    return linear(name, experts, hidden, dtype, Role.ROUTER, bias=bias)


def correction_bias(name: str, experts: int, *, trained: bool = False) -> Tensor:
    """Return the load-balancing bias of DeepSeek-V3 routers (arXiv 2412.19437, section 2.1.2).

    It is stored but no parameter, unless the model class trains it.
    """
    return Tensor(name, (experts,), F32, Role.ROUTER, kind=Kind.PARAMETER if trained else Kind.BUFFER)


def routed_experts(
    hidden: int,
    intermediate: int,
    experts: int,
    dtype: DType,
    *,
    name: str = "mlp.experts.*",
    names: tuple[str, str, str] = GATED,
) -> tuple[Tensor, ...]:
    """Return the gated feed-forward matrices of all routed experts; the checkpoint has each by itself."""
    return gated_mlp(hidden, intermediate, dtype, name=name, names=names, role=Role.EXPERT, experts=experts)


def stacked_experts(
    hidden: int, intermediate: int, experts: int, dtype: DType, *, name: str = "mlp.experts"
) -> tuple[Tensor, ...]:
    """Return the routed experts of a checkpoint that stores them in two tensors, `gate_up_proj` and `down_proj`."""
    return gated_mlp(
        hidden, intermediate, dtype, name=name, role=Role.EXPERT, experts=experts, fused="gate_up_proj", bare=True
    )


def shared_experts(
    hidden: int, intermediate: int, dtype: DType, *, name: str = "mlp.shared_experts", bias: bool = False
) -> tuple[Tensor, ...]:
    """Return the experts that every token visits, as the one wide layer that checkpoints store."""
    return gated_mlp(hidden, intermediate, dtype, name=name, role=Role.SHARED_EXPERT, bias=bias)


def moe(
    hidden: int,
    width: int,
    experts: int,
    dtype: DType,
    *,
    name: str = "mlp",
    correction: str = "",
    shared: int = 0,
    shared_name: str = "shared_experts",
    shared_gate: bool = False,
) -> tuple[Tensor, ...]:
    """Return router, routed experts of `width` and, when `shared` is positive, a shared expert of that width.

    `correction` is the place of the load-balancing bias below `name`; `shared_gate` adds the number that
    scales the shared expert (Qwen).
    """
    return (
        *router(hidden, experts, dtype, name=f"{name}.gate"),
        *((correction_bias(f"{name}.{correction}", experts),) if correction else ()),
        *routed_experts(hidden, width, experts, dtype, name=f"{name}.experts.*"),
        *(shared_experts(hidden, shared, dtype, name=f"{name}.{shared_name}") if shared else ()),
        *(linear(f"{name}.{shared_name}_gate", 1, hidden, dtype, Role.SHARED_EXPERT) if shared_gate else ()),
    )
