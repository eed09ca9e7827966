"""How SGLang cuts the memory left for the cache (model_executor/pool_configurator.py, kv_cache_configurator.py).

A token takes the bytes of all layers of a stage at once, those that attend to an image included. Models with
a pool for windowed layers keep `swa_full_tokens_ratio` windowed tokens for each full one. Recurrent states
are taken first (`state_slots.py`). Layers that compress their past stand in
both pools (`compressed_pool.py`).
"""

from dataclasses import dataclass, replace
from functools import cache
from math import ceil

from planner.engines.sglang import architecture
from planner.engines.sglang.compressed_pool import RATIO, States, compresses, entry_bytes, state_bytes, windowed_bytes
from planner.engines.sglang.drafter import DrafterRules
from planner.engines.sglang.release import Rules
from planner.engines.sglang.served_type import served_type
from planner.engines.sglang.state_slots import needed_bytes as needed_with_states
from planner.engines.sglang.state_slots import slots_cut
from planner.engines.sglang.weights import drafts
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.kv_cache import cache_dtype
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, DType
from planner.models.model import Model
from planner.units import round_up

WINDOWED_RATIO = 0.8
_INDEX_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Cell:
    """Bytes of one token on one rank of a stage: in full layers, and in layers with a pool of their own.

    `full_keys` and `windowed_keys` are the parts that keys take; a latent is neither keys nor values. `uncounted`
    are bytes beside that no cut counted: of a drafter, and of the scales of a latent.
    """

    full: float
    windowed: float
    full_layers: int
    full_keys: int
    windowed_keys: int
    uncounted: float = 0.0

    def of_token(self, ratio: float) -> float:
        """Bytes that one token of the capacity takes in both pools together."""
        return self.full + ratio * self.windowed if self.full_layers else self.windowed


@dataclass(frozen=True, slots=True)
class Pool:
    """What a rank of a stage holds. `requests` is None where nothing but tokens limits them.

    `fixed_bytes` are taken before tokens, for states of compressors and for those between drafted tokens.
    """

    tokens: int
    windowed_tokens: int = 0
    state_slots: int = 0
    requests: int | None = None
    fixed_bytes: int = 0


def windowed_ratio(model: Model, layout: Layout) -> float:
    """Tokens of the pool for windowed layers for each full one."""
    usual = RATIO if architecture.compressed(model) else WINDOWED_RATIO
    return float(layout.options.get("swa_full_tokens_ratio", usual))


def cell(model: Model, layout: Layout, stage: int, gpu: Gpu, rules: Rules) -> Cell:
    """Return the bytes of one token in the layers of a stage."""
    first, last = layout.stage_layers(stage)
    scaled = architecture.scaled_latent(model, gpu)
    if architecture.compressed(model):
        return _compressed_cell(model, first, last, _with_drafts(layout, rules.compressor_states))
    named = served_type(model, layout).name if layout.kv_cache_dtype == "auto" else layout.kv_cache_dtype
    apart = architecture.has(model, "windowed_pool") and not layout.options.get("windows_in_full")
    found, plain = (
        _cell(model, first, last, layout.tensor_parallel_size, named, scales, apart)
        for scales in (scaled, scaled and rules.counts_latent_scales)
    )
    found = replace(plain, uncounted=found.full - plain.full)
    return _with_drafter(model, found, rules.drafter) if drafts(layout) else found


def _with_drafter(model: Model, found: Cell, drafter: DrafterRules) -> Cell:
    """Layers of the drafter are like those of the target; their share counts where the config names their number.

    Source: _resolve_eagle_aux_hidden_state, 0.5.14 to 0.5.23. Qwen3.5's `mtp_num_hidden_layers` is not that name:
    171,008 tokens of Qwen3.6-27B take 5.22 GB of keys, and 0.33 more that the drafter keeps beside (0.5.17). Before
    0.5.14 no cut counted it.
    """
    named = architecture.text_config(model).get("num_nextn_predict_layers")
    layers = found.full_layers
    if not layers:
        return found
    if drafter.pool_of_all_layers and not architecture.latent(model):
        return replace(found, uncounted=found.full)
    known = named if isinstance(named, int) and named > 0 else 0
    if known and drafter.first:
        return replace(found, full=int(found.full * (1 + known / layers)))
    return replace(found, uncounted=found.uncounted + found.full * (known or 1) / layers)


@cache
def _compressed_cell(model: Model, first: int, last: int, states: States) -> Cell:
    attentions = _compressing(model, first, last)
    share = (len(attentions) + states.rings - 1) / max(1, len(attentions))
    full = share * sum(entry_bytes(attention, states) for attention in attentions)
    windowed = share * sum(windowed_bytes(attention, states) for attention in attentions)
    return Cell(full, windowed, sum(1 for attention in attentions if attention.compression > 1), 0, 0)


def _with_drafts(layout: Layout, states: States) -> States:
    """A drafter takes one layer more of the pool, and rings of twice the size."""
    return replace(states, rings=2) if layout.options.get("speculative_algorithm") else states


def _compressing(model: Model, first: int, last: int) -> list[Attention]:
    return [a for layer in model.layers[first : last + 1] if (a := layer.attention) and compresses(a)]


@cache
def _cell(model: Model, first: int, last: int, tensor: int, dtype_name: str, scaled: bool, apart: bool) -> Cell:
    dtype, blocks = cache_dtype(dtype_name, model.dtype), architecture.has(model, "sparse_blocks")
    full = windowed = full_layers = full_keys = windowed_keys = 0
    for layer in model.layers[first : last + 1]:
        if not (attention := layer.attention) or not attention.stores:
            continue
        size = _token_bytes(attention, tensor, dtype, architecture.rotary_width(model) if scaled else 0)
        keys = size * attention.key_dim // (attention.key_dim + attention.value_dim)
        size += BF16.size(attention.index_dim) if blocks else 0
        if apart and attention.kind in (CacheKind.SLIDING, CacheKind.CHUNKED):
            windowed, windowed_keys = windowed + size, windowed_keys + keys
        else:
            full, full_keys, full_layers = full + size, full_keys + keys, full_layers + 1
    return Cell(full, windowed, full_layers, full_keys, windowed_keys)


def _token_bytes(attention: Attention, tensor: int, dtype: DType, rotary: int) -> int:
    if attention.kind is CacheKind.MLA:
        return _latent_bytes(attention, dtype, rotary) + _index_bytes(attention)
    heads = max(1, attention.kv_heads // tensor)
    return dtype.size(heads * (attention.key_dim + attention.value_dim))


def _latent_bytes(attention: Attention, dtype: DType, rotary: int) -> int:
    """The latent whole on every rank; with scales in FP8 the rotary part (width `rotary`) stays in 16 bit."""
    if rotary and dtype.bits == 8:
        rank = attention.latent_dim - rotary
        return rank + rank // _INDEX_BLOCK * 4 + rotary * BF16.block_bytes
    return dtype.size(attention.latent_dim)


def _index_bytes(attention: Attention) -> int:
    """Eight-bit key of the indexer with one four-byte scale for 128 elements."""
    return attention.index_dim + attention.index_dim // _INDEX_BLOCK * 4


def cut(model: Model, layout: Layout, stage: int, gpu: Gpu, available: int, rules: Rules) -> Pool:
    """Return the pool of a stage that has `available` bytes a rank for states and cache."""
    slots, requests, fixed = 0, None, 0
    if architecture.compressed(model):
        fixed = _compressor_bytes(model, layout, stage, rules)
        available -= fixed
    if architecture.stateful(model):
        states = slots_cut(model, layout, available, rules.states)
        slots, fixed, requests = states.slots, states.between, states.requests
        available -= states.counted
    size, page = cell(model, layout, stage, gpu, rules), layout.block_size
    ratio = windowed_ratio(model, layout)
    per_token = size.of_token(ratio if size.windowed else 0.0)
    tokens = int(max(available, 0) // per_token) if per_token else layout.max_model_len
    limit = layout.options.get("max_total_tokens")
    tokens = (min(tokens, int(limit)) if limit else tokens) // page * page
    windowed = int(tokens * ratio) // page * page if size.windowed and size.full_layers else 0
    return Pool(tokens, windowed, slots, requests, fixed)


def needed_bytes(model: Model, layout: Layout, stage: int, gpu: Gpu, tokens: int, rules: Rules) -> int:
    """Least bytes of which `cut` makes a pool that holds one sequence of `tokens` tokens."""
    size, ratio, page = cell(model, layout, stage, gpu, rules), windowed_ratio(model, layout), layout.block_size
    held, longest = round_up(tokens, page), widest_window(model)
    if size.windowed and size.full_layers and longest:
        seen = round_up(min(tokens, longest) + page, page)
        held = max(held, round_up(ceil(seen / ratio), page))
        held += page * (int(held * ratio) < seen)
    taken = ceil(held * size.of_token(ratio if size.windowed else 0.0)) + 1
    if architecture.compressed(model):
        taken += _compressor_bytes(model, layout, stage, rules)
    return needed_with_states(model, layout, taken, rules.states) if architecture.stateful(model) else taken


def widest_window(model: Model) -> int:
    """Tokens of the longest window that a layer looks back, 0 where all look back to the start."""
    return max((a.window for layer in model.distinct_layers if (a := layer.attention) and a.window), default=0)


def _compressor_bytes(model: Model, layout: Layout, stage: int, rules: Rules) -> int:
    layers = _compressing(model, *layout.stage_layers(stage))
    return state_bytes(layers, _with_drafts(layout, rules.compressor_states), layout.max_num_seqs)
