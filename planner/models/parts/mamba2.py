"""Tensors of the Mamba 2 mixer (state space duality, arXiv 2405.21060, section 7)."""

from dataclasses import dataclass

from planner.models.attention import RecurrentState, StateKind
from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.tensor import Role, Split, Tensor


@dataclass(frozen=True)
class Mamba2:
    """Dimensions of a mixer: `heads` of `head_dim`, whose input and output matrices `groups` of heads share."""

    heads: int
    head_dim: int
    state: int
    groups: int
    kernel: int
    bias: bool
    conv_bias: bool
    gated_norm: bool = True
    output_bias: bool | None = None

    @property
    def inner(self) -> int:
        """Width over all heads."""
        return self.heads * self.head_dim

    def memory(self) -> RecurrentState:
        """Return what one sequence keeps: a matrix a head, and the last columns of the convolution."""
        channels = self.inner + 2 * self.groups * self.state
        return RecurrentState(self.inner * self.state, channels, self.kernel, self.heads, StateKind.MAMBA2, self.groups)

    def tensors(self, hidden: int, dtype: DType, *, name: str) -> tuple[Tensor, ...]:
        """Return the tensors; the checkpoint fuses gate, input, the two matrices B and C, and step sizes."""
        share = self.groups * self.state
        heads, groups = self.heads, self.groups
        slices = (
            ("z", self.inner, Split.COLUMN, heads),
            ("x", self.inner, Split.COLUMN, heads),
            ("B", share, Split.KV_HEADS, groups),
            ("C", share, Split.KV_HEADS, groups),
            ("dt", heads, Split.COLUMN, heads),
        )
        by_head = [Tensor(f"{name}.{leaf}", (heads,), dtype, Role.SSM, Split.COLUMN, heads) for leaf in _BY_HEAD]
        convolution = [
            Tensor(f"{name}.conv1d.{leaf}[{part}]", (width, *more), dtype, Role.SSM, split, units)
            for part, width, split, units in slices[1:4]
            for leaf, more in (("weight", (1, self.kernel)), *((("bias", ()),) if self.conv_bias else ()))
        ]
        gated = (Tensor(f"{name}.norm.weight", (self.inner,), dtype, Role.NORM, Split.COLUMN, heads),)
        return (
            *(
                tensor
                for part, width, split, units in slices
                for tensor in linear(
                    f"{name}.in_proj", width, hidden, dtype, Role.SSM, split, bias=self.bias, units=units, part=part
                )
            ),
            *convolution,
            *by_head,
            *(gated if self.gated_norm else ()),
            *linear(
                f"{name}.out_proj", hidden, self.inner, dtype, Role.SSM, Split.ROW,
                bias=self.bias if self.output_bias is None else self.output_bias, units=heads,
            ),
        )  # fmt: skip


_BY_HEAD = ("dt_bias", "A_log", "D")
