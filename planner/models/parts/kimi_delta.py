"""Tensors of Kimi delta attention (Kimi Linear, arXiv 2510.26692, section 3)."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor

Delta = tuple[tuple[Tensor, ...], RecurrentState]


def kimi_delta(shape: Shape, heads: int, dim: int, kernel: int, name: str, output: str, *, narrow: str) -> Delta:
    """Return the tensors of Kimi delta attention (section 3): gates f (forgetting) and g (output).

    Those in `narrow` are factored through the width of one head.
    """
    wide, dtype, hidden = heads * dim, shape.dtype, shape.hidden

    def project(target: str, outputs: int = wide, inputs: int = hidden) -> tuple[Tensor, ...]:
        split, units = (Split.REPLICATED, 0) if target.endswith("_a_proj") else (Split.COLUMN, heads)
        return linear(f"{name}.{target}", outputs, inputs, dtype, Role.SSM, split, units=units)

    def vector(target: str, *sizes: int) -> Tensor:
        return Tensor(f"{name}.{target}", sizes, dtype, Role.SSM, Split.COLUMN, heads)

    gates = tuple(
        tensor
        for letter in "fg"
        for tensor in (
            (*project(f"{letter}_a_proj", dim), *project(f"{letter}_b_proj", wide, dim))
            if letter in narrow
            else project(f"{letter}_proj")
        )
    )
    tensors = (
        *project("q_proj"), *project("k_proj"), *project("v_proj"), *project("b_proj", heads), *gates,
        *(vector(f"{letter}_conv1d.weight", wide, 1, kernel) for letter in "qkv"),
        vector("A_log", heads), vector("dt_bias", wide),
        *norm(f"{name}.o_norm", dim, dtype),
        *linear(f"{name}.{output}", hidden, wide, dtype, Role.SSM, Split.ROW, units=heads),
    )  # fmt: skip
    return tensors, RecurrentState(wide * dim, 3 * wide, kernel, heads, StateKind.KIMI_DELTA, heads)
