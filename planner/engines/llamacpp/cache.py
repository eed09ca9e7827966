"""Bytes of the KV cache, layer by layer, exact by type (src/llama-kv-cache*.cpp, llama-memory-recurrent.cpp)."""

from functools import cache

from planner.engines.llamacpp.build import Build
from planner.engines.llamacpp.options import Options
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import F32, DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import round_up

_WINDOWED = {
    "gemma2", "gemma3", "gemma3_text", "gemma3n", "gemma3n_text", "gemma4", "gemma4_text", "gpt_oss", "llama4",
    "llama4_text", "cohere2", "exaone4", "exaone_moe", "olmo3", "smallthinker", "mimo_v2", "mimo_v2_flash",
    "step3p5", "afmoe", "laguna", "plamo3", "modern_bert", "granite_swa",
}  # fmt: skip
"""Architectures whose windowed layers get a cache of their own size; the others keep all tokens."""


def windows(model: Model) -> set[int]:
    """Windows of the layers that have a cache of their own size."""
    if model.model_type not in _WINDOWED:
        return set()
    return {a.window for layer in model.distinct_layers if (a := layer.attention) and a.stores and a.window}


def streams_of(slots: int, options: Options, build: Build) -> int:
    """Return how many streams the cache has: one for each slot, or one that they share."""
    return slots if build.own_streams and not options.unified else 1


def cells(context: int, slots: int, window: int | None, options: Options, build: Build) -> int:
    """Cells of one layer, over all streams; `context` is the total of `--ctx-size`.

    A windowed layer keeps its window (of every slot when the slots share one stream) and a micro-batch.
    """
    streams = streams_of(slots, options, build)
    whole = context // streams
    if window is None or options.full_windows or not build.windowed_cache:
        return whole * streams
    kept = min(whole, window * (slots // streams) + options.ubatch)
    return round_up(kept, build.window_padding) * streams


def layer_bytes(model: Model, layer: Layer, context: int, slots: int, options: Options, build: Build) -> int:
    """Bytes that one layer keeps for all slots; states once more for each drafted token that may be taken back."""
    size = _state_bytes(layer) * slots * (1 + options.drafts)
    attention = layer.attention
    if attention and attention.stores:
        window = attention.window if attention.window in windows(model) else None
        size += cells(context, slots, window, options, build) * cell_bytes(attention, options, build)
    return size


def cell_bytes(attention: Attention, options: Options, build: Build) -> int:
    """Bytes of one token in one layer: keys of one type, values of another, rows of whole blocks."""
    if attention.kind is CacheKind.CROSS:
        return 0
    if attention.kind is CacheKind.MLA and build.latent_cache and not options.whole_heads:
        latent = options.keys.size(attention.latent_dim)
        rank = attention.latent_dim - _rotary(attention)
        index = options.keys.size(attention.index_dim) if build.index_cache else 0
        return latent + index + (options.values.size(rank) if build.latent_values else 0)
    return options.keys.size(attention.kv_heads * attention.key_dim) + options.values.size(
        attention.kv_heads * attention.value_dim
    )


def _rotary(attention: Attention) -> int:
    """Width of the rotary part: DeepSeek's key is the un-rotated part, as wide as a value, and the rotary one."""
    return attention.key_dim - attention.value_dim


@cache
def _state_bytes(layer: Layer) -> int:
    """Recurrent state of one slot: convolution and matrix state, both in 32 bit."""
    return F32.size(layer.state.elements) if layer.state else 0


def divides_heads(attention: Attention, dtype: DType) -> bool:
    """Whether the blocks of a cache type divide a head (llama_init_from_model refuses others)."""
    return attention.key_dim % dtype.block_elements == 0 and attention.value_dim % dtype.block_elements == 0
