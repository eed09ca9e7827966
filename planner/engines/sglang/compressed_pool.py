"""What SGLang caches for layers that compress their past (DeepSeek-V4): entries, a window and compressors' states.

Source: DSV4PoolConfigurator of model_executor/pool_configurator.py and mem_cache/deepseek_v4_memory_pool.py, 0.5.12
to 0.5.23; arg_groups/deepseek_v4_hook.py for what is usual. Logged bytes of a token, "DSV4 memory calculation:
bytes_per_full_token=15955.85" of DeepSeek-V4-Flash in 0.5.12, are those of `entry_bytes` and a tenth of
`windowed_bytes`, over 43 layers and the window of the prediction layer (0.4 %), which that release counted too.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, F32
from planner.units import round_up

PAGE = 256
RATIO = 0.1
"""Tokens of the window's pool for each token of the capacity (`swa_full_tokens_ratio` of this family)."""
REQUESTS = 256
"""max_running_requests where it is not said."""
_ROTARY, _SCALES = 64, 8
_ALIGNMENT = 576
_SCALED = 128
_OVERLAPPING, _RING, _HEAVY = 4, 8, 128
"""Entries of four tokens look at eight; those of 128 keep that many tokens' states."""


@dataclass(frozen=True, slots=True)
class States:
    """How a release keeps the states of compressors.

    `heavy_by_token`: a state of 128 tokens grows with the window's pool instead of the requests (before 0.5.15).
    `page`: tokens of the window's pool for which one ring of states stands (128, the window, before 0.5.21); where
    it is a page of the cache, entries count as padded as pages are.
    `rings`: tokens that are drafted take rings of twice the size (get_compress_state_ring_size).
    """

    heavy_by_token: bool = False
    page: int = PAGE
    rings: int = 1


def compresses(attention: Attention | None) -> bool:
    """Whether a layer is one of such a model: a latent of its own and a window of whole tokens."""
    return attention is not None and attention.kind is CacheKind.MLA and attention.window is not None


def _entry(attention: Attention) -> int:
    """FlashMLA's layout: the latent in eight bits, its rotary part in sixteen, and scales."""
    return attention.latent_dim - _ROTARY + BF16.size(_ROTARY) + _SCALES


def _paged(attention: Attention, states: States, ratio: int) -> float:
    """An entry's share of a page, which kernels align (DeepSeekV4SingleKVPool)."""
    entry, entries = _entry(attention), PAGE // ratio
    return round_up(entries * entry, _ALIGNMENT) / entries if states.page == PAGE else entry


def entry_bytes(attention: Attention, states: States) -> float:
    """Bytes by which a token makes the compressed entries of a layer grow; the index is kept of four only."""
    ratio = attention.compression
    if ratio == 1:
        return 0.0
    index = attention.index_dim + attention.index_dim // _SCALED * 4
    return (_paged(attention, states, ratio) + (index if ratio == _OVERLAPPING else 0)) / ratio


def windowed_bytes(attention: Attention, states: States) -> float:
    """Bytes of a token in the window's pool, with the states of compressors that grow with it."""
    size = _paged(attention, states, 1)
    if attention.compression == _OVERLAPPING:
        size += states.rings * _RING / states.page * F32.size(4 * (attention.latent_dim + attention.index_dim))
    elif attention.compression == _HEAVY and states.heavy_by_token:
        size += states.rings * F32.size(2 * attention.latent_dim)
    return size


def state_bytes(attentions: Iterable[Attention], states: States, requests: int) -> int:
    """Bytes of the states that requests keep, taken before tokens (_get_c128_state_fixed_bytes)."""
    if states.heavy_by_token:
        return 0
    rows = round_up((requests + 2) * states.rings * _HEAVY + 1, _HEAVY)
    heavy = (attention for attention in attentions if attention.compression == _HEAVY)
    return sum(rows * F32.size(2 * attention.latent_dim) for attention in heavy)
