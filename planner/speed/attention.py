"""Attention of one rank: decoding reads the cache, prefilling is quadratic in the prompt.

Latent attention (MLA) decodes with the up-projections absorbed, so that every head works on the latent
vector itself, and prefills with keys and values written out (DeepSeek-V2, arXiv 2405.04434, section 2.1.2).
"""

from dataclasses import dataclass
from functools import cache

from planner.memory.kv_cache import token_bytes
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import DType
from planner.speed.load import Load
from planner.speed.work import Kind, Work
from planner.units import ceil_div

_DECODE_LAUNCHES = 3
"""Rotary embedding with cache write, attention over splits of the context, their combination."""
_PREFILL_LAUNCHES = 2
_INDEX_BYTES = 1.0
"""The indexer of sparse attention keeps eight-bit keys (DeepSeek-V3.2-Exp)."""


@dataclass(frozen=True, slots=True)
class RankAttention:
    """Attention of a layer on one rank.

    Operations are counted for each query token and each token it sees; `window` and `topk` bound how
    many it sees (None: all). `index_flops` and `index_bytes` are of the indexer, over the whole context.
    """

    window: int | None
    topk: int | None
    bytes_per_token: float
    decode_flops: float
    prefill_flops: float
    query_elements: float
    index_flops: float
    index_bytes: float

    def decode(self, load: Load, times: int) -> Work:
        """Return the work of the decoding sequences."""
        seen = self._seen(load.context)
        return Work(
            Kind.DECODE_ATTENTION,
            "bf16",
            times,
            _DECODE_LAUNCHES + (2 if self.topk else 0),
            load.decode * load.drafted * (seen * self.decode_flops + load.context * self.index_flops),
            load.decode * (seen * self.bytes_per_token + load.context * self.index_bytes),
        )

    def prefill(self, load: Load, times: int) -> Work:
        """Return the work of the prompt pieces; causal, so a token sees half of its own piece on average."""
        behind = load.past + load.piece / 2
        seen = self._seen(behind)
        pieces = load.prefill / load.piece if load.piece else 0.0
        return Work(
            Kind.PREFILL_ATTENTION,
            "bf16",
            times,
            _PREFILL_LAUNCHES + (2 if self.topk else 0),
            load.prefill * (seen * self.prefill_flops + behind * self.index_flops),
            pieces * self._seen(load.past + load.piece) * self.bytes_per_token
            + load.prefill * (self.query_elements * 4 + self.bytes_per_token),
        )

    def _seen(self, context: float) -> float:
        if self.window is not None:
            context = min(context, self.window)
        return min(context, self.topk) if self.topk else context


@cache
def rank_attention(attention: Attention, tensor_parallel: int, dtype: DType) -> RankAttention:
    """Return the attention of one of `tensor_parallel` ranks with a cache of `dtype`."""
    heads = ceil_div(attention.query_heads, tensor_parallel)
    own = 2.0 * heads * (attention.key_dim + attention.value_dim)
    latent = attention.kind is CacheKind.MLA
    return RankAttention(
        window=attention.window if attention.kind in (CacheKind.SLIDING, CacheKind.CHUNKED) else None,
        topk=attention.index_topk or None,
        bytes_per_token=_bytes_per_token(attention, tensor_parallel, dtype),
        decode_flops=4.0 * heads * attention.latent_dim if latent else own,
        prefill_flops=own,
        query_elements=float(heads * (attention.key_dim + attention.value_dim)),
        index_flops=2.0 * attention.index_heads * attention.index_dim,
        index_bytes=_INDEX_BYTES * attention.index_dim,
    )


def _bytes_per_token(attention: Attention, tensor_parallel: int, dtype: DType) -> float:
    """Bytes read for each token in sight; a layer that reads another's cache reads as much."""
    if attention.kind is CacheKind.MLA or attention.stores:
        return float(token_bytes(attention, tensor_parallel, dtype))
    heads = max(1, attention.kv_heads // tensor_parallel)
    return float(dtype.size(heads * (attention.key_dim + attention.value_dim)))
