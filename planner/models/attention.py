"""What a layer keeps for each token or each sequence: attention caches and recurrent states."""

from dataclasses import dataclass
from enum import StrEnum


class CacheKind(StrEnum):
    """How the cache of a layer grows and how tensor parallelism divides it."""

    FULL = "full"
    SLIDING = "sliding"
    """Only the last `window` tokens are kept."""
    CHUNKED = "chunked"
    """Only the tokens of the current chunk of `window` tokens are kept (Llama 4)."""
    MLA = "mla"
    """One latent vector a token, whole on every tensor-parallel rank (DeepSeek-V2, arXiv 2405.04434)."""
    CROSS = "cross"
    """Keys and values of an encoder: a fixed number a sequence."""


@dataclass(frozen=True, slots=True)
class Attention:
    """The attention of one layer.

    `key_dim` and `value_dim` are per head and as computed; `latent_dim` is the width of what MLA
    caches (kv_lora_rank + qk_rope_head_dim), 0 elsewhere. `index_dim` is the width of the extra key
    that a sparse-attention indexer caches for each token. `stores` is false when the layer reads the
    cache of an earlier layer instead of keeping its own. `copies` counts the attention modules of the
    layer, each with a cache of its own (LongCat-Flash). With `compression`, one entry stands for so many
    tokens, and the last `window` tokens are kept whole besides (DeepSeek-V4).
    """

    kind: CacheKind
    query_heads: int
    kv_heads: int
    key_dim: int
    value_dim: int
    window: int | None = None
    latent_dim: int = 0
    index_dim: int = 0
    index_heads: int = 0
    index_topk: int = 0
    stores: bool = True
    copies: int = 1
    compression: int = 1

    @property
    def whole_elements(self) -> int:
        """Elements that one token takes before compression, over all heads."""
        if self.kind is CacheKind.MLA:
            return self.latent_dim * self.copies
        return self.kv_heads * (self.key_dim + self.value_dim) * self.copies

    @property
    def elements_per_token(self) -> int:
        """Cached elements by which each token makes the cache grow, over all heads (indexer apart)."""
        return self.whole_elements // self.compression if self.stores else 0

    @property
    def index_elements_per_token(self) -> int:
        """Elements that the indexer caches for each token."""
        return self.index_dim * self.copies // self.compression if self.stores else 0


class StateKind(StrEnum):
    """The mixers that keep a state instead of a cache."""

    MAMBA = "mamba"
    MAMBA2 = "mamba2"
    GATED_DELTA_NET = "gated_delta_net"
    KIMI_DELTA = "kimi_delta"
    LIGHTNING = "lightning"
    SHORT_CONVOLUTION = "short_convolution"
    LINEAR_RECURRENCE = "linear_recurrence"
    MLSTM = "mlstm"
    RWKV = "rwkv"


@dataclass(frozen=True, slots=True)
class RecurrentState:
    """Constant-size state of one sequence in one layer (Mamba, gated delta net, short convolution).

    `ssm_elements` is the matrix state over all heads; the convolution keeps `conv_kernel - 1` columns
    of `conv_channels` each. `heads` is what tensor parallelism may divide; `groups` of heads share the
    input and output matrices of Mamba 2, or the keys of a delta net.
    """

    ssm_elements: int
    conv_channels: int
    conv_kernel: int
    heads: int = 1
    kind: StateKind = StateKind.MAMBA2
    groups: int = 1

    @property
    def elements(self) -> int:
        """Elements a sequence keeps in this layer."""
        return self.ssm_elements + self.conv_channels * max(self.conv_kernel - 1, 0)
