"""The dimensions that nearly every decoder config states, under the names that families use."""

from dataclasses import dataclass

from planner.models.attention import Attention, CacheKind
from planner.models.config_json import Config
from planner.models.dtype import BF16, BY_NAME, DType

_MOST_LAYERS = 10_000


@dataclass(frozen=True)
class Shape:
    """Dimensions of a decoder."""

    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    layers: int
    vocab: int
    dtype: DType

    def attention(self, window: int | None = None, kind: CacheKind | None = None) -> Attention:
        """Grouped-query attention of these dimensions, sliding when a window is given."""
        kind = kind or (CacheKind.SLIDING if window else CacheKind.FULL)
        return Attention(kind, self.heads, self.kv_heads, self.head_dim, self.head_dim, window)


def read_shape(
    config: Config,
    *,
    head_dim: int | None = None,
    intermediate: int | None = None,
    kv_heads: int | None = None,
    layers: int | None = None,
    heads: int | None = None,
    vocab: int | None = None,
) -> Shape:
    """Read the dimensions; those that are given replace what the family says otherwise.

    `intermediate=0` says that the family has no one width.
    """
    hidden = config.integer("hidden_size", "n_embd", "n_embed", "d_model")
    heads = heads or config.integer("num_attention_heads", "n_head", "n_heads", "num_heads", "attention_heads")
    if kv_heads is None:
        kv_heads = config.integer("num_key_value_heads", default=heads)
    if head_dim is None and "head_dim" not in config:
        if heads > hidden:
            raise config.wrong("num_attention_heads", heads, f"at most hidden_size {hidden}, or head_dim given")
        if hidden % heads:
            config.assume(f"head_dim is not given, and {heads} heads do not divide {hidden}: read as {hidden // heads}")
    if heads % kv_heads:
        raise config.wrong("num_key_value_heads", kv_heads, f"a divisor of the {heads} attention heads")
    if intermediate is None:
        intermediate = config.integer("intermediate_size", "n_inner", "ffn_dim")
    return Shape(
        hidden=hidden,
        intermediate=intermediate,
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim or config.integer("head_dim", default=hidden // heads),
        layers=layers or read_layers(config),
        vocab=vocab or config.integer("vocab_size"),
        dtype=read_dtype(config),
    )


def read_layers(config: Config) -> int:
    """Return the number of decoder layers."""
    return config.integer("num_hidden_layers", "n_layer", "n_layers", "num_layers", most=_MOST_LAYERS)


def read_dtype(config: Config) -> DType:
    """Type that the weights are stored in: of the section, of what surrounds it, or else bfloat16, stated."""
    name = config.get("torch_dtype", "dtype")
    if name is None and config.parent is not None:
        return read_dtype(config.parent)
    if name is None:
        config.assume("torch_dtype is not given: weights read as bfloat16")
        return BF16
    if not isinstance(name, str) or name.removeprefix("torch.") not in BY_NAME:
        raise config.wrong("torch_dtype", name, "bfloat16, float16 or float32")
    return BY_NAME[name.removeprefix("torch.")]
