"""Tensors of multi-head and grouped-query attention (arXiv 2305.13245)."""

from planner.models.parts.linear import linear
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape
from planner.models.tensor import Role, Split, Tensor


def attention(
    shape: Shape,
    *,
    bias: bool = False,
    output_bias: bool | None = None,
    head_norms: bool = False,
    name: str = "self_attn",
    fused: str = "",
) -> tuple[Tensor, ...]:
    """Return query, key, value and output projections; `head_norms` adds q_norm and k_norm over a head.

    `fused` names the one matrix in which the checkpoint stores query, key and value (`qkv_proj`).
    `output_bias` is the bias of the output projection, by default that of the others.
    """
    dtype, queries, keys = shape.dtype, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim

    def project(letter: str, outputs: int, split: Split, units: int) -> tuple[Tensor, ...]:
        target, part = (fused, letter) if fused else (f"{letter}_proj", "")
        return linear(
            f"{name}.{target}",
            outputs,
            shape.hidden,
            dtype,
            Role.ATTENTION,
            split,
            bias=bias,
            units=units,
            part=part,
        )

    return (
        *project("q", queries, Split.COLUMN, shape.heads),
        *project("k", keys, Split.KV_HEADS, shape.kv_heads),
        *project("v", keys, Split.KV_HEADS, shape.kv_heads),
        *linear(
            f"{name}.o_proj", shape.hidden, queries, dtype, Role.ATTENTION, Split.ROW,
            bias=bias if output_bias is None else output_bias, units=shape.heads,
        ),
        *(norm(f"{name}.q_norm", shape.head_dim, dtype) if head_norms else ()),
        *(norm(f"{name}.k_norm", shape.head_dim, dtype) if head_norms else ()),
    )  # fmt: skip
