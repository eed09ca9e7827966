"""A list of tensors in the making: what towers and projectors write one line after the other."""

from dataclasses import dataclass, field, replace

from planner.models.dtype import DType
from planner.models.parts.linear import linear
from planner.models.tensor import Kind, Role, Split, Tensor


@dataclass(frozen=True)
class BlockNames:
    """How the layers of a tower are named and built.

    `projections` are query, key, value and output; `fused` replaces the first three. Two names of `mlp`
    are a plain layer (up, down), three a gated one (gate, up, down). `head_norms` are norms over a head,
    `scales` vectors as wide as the tower.
    """

    norms: tuple[str, ...] = ("layer_norm1", "layer_norm2")
    mixer: str = "self_attn"
    projections: tuple[str, str, str, str] = ("q_proj", "k_proj", "v_proj", "out_proj")
    fused: str = ""
    mlp: tuple[str, ...] = ("mlp.fc1", "mlp.fc2")
    norm_bias: bool = True
    bias: bool = True
    key_bias: bool = True
    output_bias: bool = True
    mlp_bias: bool = True
    head_norms: tuple[str, ...] = ()
    head_norm_bias: bool = False
    scales: tuple[str, ...] = ()


CLIP_NAMES = BlockNames()


@dataclass(frozen=True)
class TensorList:
    """Collects tensors of one type and role below a prefix; lists made with `below` collect into the same."""

    prefix: str
    dtype: DType
    role: Role = Role.VISION
    tensors: list[Tensor] = field(default_factory=list)

    def below(self, stem: str) -> "TensorList":
        """Return the same list, one prefix deeper."""
        return replace(self, prefix=f"{self.prefix}{stem}")

    def parameter(self, name: str, *shape: int) -> None:
        """Add a plain parameter: an embedding, a convolution, a gate."""
        self.tensors.append(Tensor(self.prefix + name, shape, self.dtype, self.role))

    def buffer(self, name: str, *shape: int) -> None:
        """Add a tensor that is stored but no parameter."""
        self.tensors.append(Tensor(self.prefix + name, shape, self.dtype, self.role, kind=Kind.BUFFER))

    def norm(self, name: str, width: int, *, bias: bool = True) -> None:
        """Add a norm: LayerNorm, or RMSNorm without bias."""
        self.parameter(f"{name}.weight", width)
        if bias:
            self.parameter(f"{name}.bias", width)

    def convolution(self, name: str, outputs: int, *shape: int, bias: bool = True) -> None:
        """Add a convolution of so many outputs."""
        self.parameter(f"{name}.weight", outputs, *shape)
        if bias:
            self.parameter(f"{name}.bias", outputs)

    def linear(
        self,
        name: str,
        outputs: int,
        inputs: int,
        *,
        bias: bool = True,
        split: Split = Split.REPLICATED,
        units: int = 0,
    ) -> None:
        """Add a linear layer."""
        self.tensors.extend(
            linear(self.prefix + name, outputs, inputs, self.dtype, self.role, split, bias=bias, units=units)
        )  # fmt: skip

    def pair(self, first: str, second: str, outputs: int, inner: int, inputs: int, *, bias: bool = True) -> None:
        """Add two linear layers with an activation between them, cut like a feed-forward layer."""
        self.linear(first, inner, inputs, bias=bias, split=Split.COLUMN)
        self.linear(second, outputs, inner, bias=bias, split=Split.ROW)

    def gated(self, stem: str, outputs: int, inner: int, inputs: int, *, bias: bool = False) -> None:
        """Add gate, up and down projections below `stem`."""
        for name in ("gate_proj", "up_proj"):
            self.linear(f"{stem}{name}", inner, inputs, bias=bias, split=Split.COLUMN)
        self.linear(f"{stem}down_proj", outputs, inner, bias=bias, split=Split.ROW)

    def block(
        self, place: str, width: int, inner: int, heads: int, names: BlockNames, *,
        head_dim: int = 0, kv_heads: int = 0,
    ) -> None:  # fmt: skip
        """Add one transformer layer at `place`: attention and a feed-forward layer `inner` wide."""
        layer, dim, kv_heads = self.below(place), head_dim or width // heads, kv_heads or heads
        wide, shared = (heads * dim, kv_heads * dim) if head_dim else (width, width)
        stem = f"{names.mixer}." if names.mixer else ""
        query, key, value, output = (stem + name for name in names.projections)
        if names.fused:
            rows = wide + 2 * shared
            layer.linear(stem + names.fused, rows, width, bias=names.bias, split=Split.COLUMN, units=heads)
        else:
            layer.linear(query, wide, width, bias=names.bias, split=Split.COLUMN, units=heads)
            layer.linear(
                key, shared, width, bias=names.bias and names.key_bias, split=Split.COLUMN, units=kv_heads
            )  # fmt: skip
            layer.linear(value, shared, width, bias=names.bias, split=Split.COLUMN, units=kv_heads)
        layer.linear(output, width, wide, bias=names.output_bias, split=Split.ROW, units=heads)
        for name in names.head_norms:
            layer.norm(stem + name, dim, bias=names.head_norm_bias)
        *widen, down = names.mlp
        for name in widen:
            layer.linear(name, inner, width, bias=names.mlp_bias, split=Split.COLUMN)
        layer.linear(down, width, inner, bias=names.mlp_bias, split=Split.ROW)
        for name in names.norms:
            layer.norm(name, width, bias=names.norm_bias)
        for name in names.scales:
            layer.parameter(name, width)

    def blocks(
        self, stem: str, count: int, width: int, inner: int, heads: int, names: BlockNames = CLIP_NAMES, *,
        head_dim: int = 0, kv_heads: int = 0,
    ) -> None:  # fmt: skip
        """Add `count` layers `stem.0.`, `stem.1.` and so on."""
        for index in range(count):
            self.block(f"{stem}.{index}.", width, inner, heads, names, head_dim=head_dim, kv_heads=kv_heads)
