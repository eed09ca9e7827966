"""Tensors of feed-forward layers."""

from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.tensor import Role, Split, Tensor


def gated_mlp(
    hidden: int,
    intermediate: int,
    dtype: DType,
    *,
    name: str = "mlp",
    role: Role = Role.MLP,
    bias: bool = False,
    experts: int = 0,
    fused: str = "",
) -> tuple[Tensor, ...]:
    """Return gate, up and down projections (SwiGLU, arXiv 2002.05202), stacked for `experts` when positive.

    `fused` names the one matrix in which the checkpoint stores gate and up (`gate_up_proj`).
    """

    def widen(letter: str) -> tuple[Tensor, ...]:
        target, part = (fused, letter) if fused else (f"{letter}_proj", "")
        return linear(
            f"{name}.{target}",
            intermediate,
            hidden,
            dtype,
            role,
            Split.COLUMN,
            bias=bias,
            experts=experts,
            part=part,
        )

    down = linear(f"{name}.down_proj", hidden, intermediate, dtype, role, Split.ROW, bias=bias, experts=experts)
    return (*widen("gate"), *widen("up"), *down)


def plain_mlp(
    hidden: int, intermediate: int, dtype: DType, *, up: str, down: str, bias: bool = False
) -> tuple[Tensor, ...]:
    """Return the two matrices of an ungated feed-forward layer under the names `up` and `down`."""
    return (
        *linear(up, intermediate, hidden, dtype, Role.MLP, Split.COLUMN, bias=bias),
        *linear(down, hidden, intermediate, dtype, Role.MLP, Split.ROW, bias=bias),
    )
