"""Tensors of feed-forward layers."""

from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.tensor import Role, Split, Tensor

GATED = ("gate_proj", "up_proj", "down_proj")


def gated_mlp(
    hidden: int,
    intermediate: int,
    dtype: DType,
    *,
    name: str = "mlp",
    names: tuple[str, str, str] = GATED,
    role: Role = Role.MLP,
    bias: bool = False,
    experts: int = 0,
    fused: str = "",
    bare: bool = False,
) -> tuple[Tensor, ...]:
    """Return gate, up and down projections (SwiGLU, arXiv 2002.05202), stacked for `experts` when positive.

    `fused` names the one matrix in which the checkpoint stores gate and up (`gate_up_proj`); `bare` that
    the weights have no `.weight` after their name.
    """
    gate, up, down = names

    def matrix(target: str, outputs: int, inputs: int, split: Split, part: str = "") -> tuple[Tensor, ...]:
        return linear(
            f"{name}.{target}", outputs, inputs, dtype, role, split,
            bias=bias, experts=experts, part=part, bare=bare,
        )  # fmt: skip

    return (
        *matrix(fused or gate, intermediate, hidden, Split.COLUMN, "gate" if fused else ""),
        *matrix(fused or up, intermediate, hidden, Split.COLUMN, "up" if fused else ""),
        *matrix(down, hidden, intermediate, Split.ROW),
    )


def plain_mlp(
    hidden: int,
    intermediate: int,
    dtype: DType,
    *,
    up: str = "mlp.up_proj",
    down: str = "mlp.down_proj",
    role: Role = Role.MLP,
    bias: bool = False,
    experts: int = 0,
    bare: bool = False,
) -> tuple[Tensor, ...]:
    """Return the two matrices of an ungated feed-forward layer under the names `up` and `down`."""
    return (
        *linear(up, intermediate, hidden, dtype, role, Split.COLUMN, bias=bias, experts=experts, bare=bare),
        *linear(down, hidden, intermediate, dtype, role, Split.ROW, bias=bias, experts=experts, bare=bare),
    )
