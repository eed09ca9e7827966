"""Tensors of the selective state space mixer (Mamba, arXiv 2312.00752, section 3)."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.parts.norm import norms
from planner.models.tensor import Role, Split, Tensor


def mamba(
    hidden: int,
    inner: int,
    state: int,
    rank: int,
    kernel: int,
    dtype: DType,
    *,
    name: str,
    bias: bool,
    conv_bias: bool,
    inner_norms: bool = False,
) -> tuple[tuple[Tensor, ...], RecurrentState]:
    """Return the tensors of a mixer that is `inner` wide, and its state of `inner` x `state` elements.

    `rank` is the width of the step-size projection; `inner_norms` adds the norms of Jamba.
    """

    def vector(target: str, *shape: int) -> Tensor:
        return Tensor(f"{name}.{target}", shape, dtype, Role.SSM, Split.COLUMN)

    def project(target: str, outputs: int, inputs: int, split: Split, part: str = "") -> tuple[Tensor, ...]:
        biased = bias if target in ("in_proj", "out_proj") else target == "dt_proj"
        return linear(f"{name}.{target}", outputs, inputs, dtype, Role.SSM, split, bias=biased, part=part)

    tensors = (
        *project("in_proj", inner, hidden, Split.COLUMN, "x"),
        *project("in_proj", inner, hidden, Split.COLUMN, "z"),
        vector("conv1d.weight", inner, 1, kernel),
        *((vector("conv1d.bias", inner),) if conv_bias else ()),
        *project("x_proj", rank + 2 * state, inner, Split.ROW),
        *project("dt_proj", inner, rank, Split.COLUMN),
        vector("A_log", inner, state),
        vector("D", inner),
        *project("out_proj", hidden, inner, Split.ROW),
        *(norms([f"{name}.dt_layernorm"], rank, dtype) if inner_norms else ()),
        *(norms([f"{name}.b_layernorm", f"{name}.c_layernorm"], state, dtype) if inner_norms else ()),
    )
    return tensors, RecurrentState(inner * state, inner, kernel, heads=inner, kind=StateKind.MAMBA)
