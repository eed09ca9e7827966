"""Tensors of multi-head and grouped-query attention (arXiv 2305.13245)."""

from typing import Literal, NamedTuple

from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor


class Projections(NamedTuple):
    """Names of the projections of an attention layer in the checkpoint."""

    query: str = "q_proj"
    key: str = "k_proj"
    value: str = "v_proj"
    output: str = "o_proj"


PROJECTIONS = Projections()


def attention(
    shape: Shape,
    *,
    name: str = "self_attn",
    names: Projections = PROJECTIONS,
    fused: str = "",
    bias: bool = False,
    output_bias: bool | None = None,
    key_bias: bool | None = None,
    value_dim: int | None = None,
    head_norms: bool | Literal["whole"] = False,
    norm_names: tuple[str, str] = ("q_norm", "k_norm"),
    norm_bias: bool = False,
    values: bool = True,
) -> tuple[Tensor, ...]:
    """Return query, key, value and output projections.

    `fused` names the one matrix in which the checkpoint stores query, key and value (`qkv_proj`).
    `bias` is that of the three; `output_bias` and `key_bias` differ from it where given. `head_norms`
    adds norms of query and key over one head, or over all heads at once (`"whole"`). `values` is false
    where keys serve as values.
    """
    dtype, dim = shape.dtype, shape.head_dim
    value_dim = value_dim or dim

    def project(target: str, part: str, heads: int, dim: int, split: Split, bias: bool) -> tuple[Tensor, ...]:
        target, part = (fused, part) if fused else (target, "")
        return linear(
            f"{name}.{target}", heads * dim, shape.hidden, dtype, Role.ATTENTION, split,
            bias=bias, units=heads, part=part,
        )  # fmt: skip

    def head_norm(target: str, heads: int) -> tuple[Tensor, ...]:
        width = dim * (heads if head_norms == "whole" else 1)
        return norm(f"{name}.{target}", width, dtype, bias=norm_bias) if head_norms else ()

    biased_keys = bias if key_bias is None else key_bias
    return (
        *project(names.query, "q", shape.heads, dim, Split.COLUMN, bias),
        *project(names.key, "k", shape.kv_heads, dim, Split.KV_HEADS, biased_keys),
        *(project(names.value, "v", shape.kv_heads, value_dim, Split.KV_HEADS, bias) if values else ()),
        *linear(
            f"{name}.{names.output}", shape.hidden, shape.heads * value_dim, dtype, Role.ATTENTION, Split.ROW,
            bias=bias if output_bias is None else output_bias, units=shape.heads,
        ),
        *head_norm(norm_names[0], shape.heads),
        *head_norm(norm_names[1], shape.kv_heads),
    )  # fmt: skip
