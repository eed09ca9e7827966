"""What vLLM caches for a layer that compresses its past (DeepSeek-V4): a window, entries, and states on the way.

Source: models/deepseek_v4/attention.py, models/deepseek_v4/compressor.py, v1/attention/backends/mla/sparse_swa.py
(get_kv_cache_spec of each), 0.22 to 0.33.
"""

from collections.abc import Iterator

from planner.engines.vllm.cache_spec import CacheSpec, SpecKind
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import F32, DType
from planner.units import round_up

BLOCK = 256
"""Tokens of a block of entries (the block size that the model asks for)."""
_WINDOW_BLOCK = 64
_OVERLAPPING = 4
"""Entries of so many tokens look at twice as many (coff of the compressor)."""
_STATE_BLOCK, _OVERLAPPING_STATE_BLOCK = 8, 4
"""Tokens of a block of compressor states."""
_EIGHT_BIT_ENTRY = 584
"""Bytes of an entry in the fp8_ds_mla format: 448 latent bytes, 64 rotary values of 2, 8 scales."""
_SCALED = 128
"""Values of an indexer key that share a four-byte scale."""


def compresses(attention: Attention) -> bool:
    """Whether a layer is one of such a model: a latent of its own and a window of whole tokens."""
    return attention.kind is CacheKind.MLA and attention.window is not None


def compressed_caches(attention: Attention, dtype: DType, block_size: int) -> Iterator[CacheSpec]:
    """Yield the caches of a layer of such a model; all pages are padded to the alignment of the kernels."""
    packed = dtype.bits == 8
    entry, alignment = (_EIGHT_BIT_ENTRY, 576) if packed else (dtype.size(attention.latent_dim), 512)

    def spec(kind: SpecKind, block: int, size: int, entries: int, window: int | None = None) -> CacheSpec:
        return CacheSpec(kind, block, size, window=window, padded_bytes=round_up(entries * size, alignment))

    yield spec(SpecKind.SLIDING_MLA, _WINDOW_BLOCK, entry, _WINDOW_BLOCK, attention.window)
    ratio = attention.compression
    if ratio == 1:
        return
    widths = [(attention.latent_dim, entry)]
    if attention.index_dim:
        widths.append((attention.index_dim, attention.index_dim + attention.index_dim // _SCALED * 4))
    overlap, block = (2, _OVERLAPPING_STATE_BLOCK) if ratio == _OVERLAPPING else (1, _STATE_BLOCK)
    for width, size in widths:
        yield spec(SpecKind.MLA, block_size, size, block_size // ratio)
        yield spec(SpecKind.SLIDING_MLA, block, F32.size(2 * overlap * width), block, overlap * ratio)
