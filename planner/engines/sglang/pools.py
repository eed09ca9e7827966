"""How SGLang cuts the memory left for the cache (model_executor/pool_configurator.py, kv_cache_configurator.py).

A token takes the bytes of all layers of a stage at once, those that attend to an image included. Models with
a pool for windowed layers keep `swa_full_tokens_ratio` windowed tokens for each full one. Recurrent states
are taken first: a share of the memory, in slots of one request's state. Layers that compress their past stand in
both pools (`compressed_pool.py`).
"""

from dataclasses import dataclass, replace
from functools import cache

from planner.engines.sglang import architecture
from planner.engines.sglang.compressed_pool import RATIO, States, compresses, entry_bytes, state_bytes, windowed_bytes
from planner.engines.sglang.drafter import DrafterRules
from planner.engines.sglang.release import Rules
from planner.engines.sglang.served_type import served_type
from planner.engines.sglang.weights import draft_tokens, drafts
from planner.engines.vllm.recurrent_states import state_channels
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.memory.kv_cache import cache_dtype
from planner.models.attention import Attention, CacheKind
from planner.models.dtype import BF16, BY_NAME, F32, DType
from planner.models.model import Model
from planner.units import ceil_div

WINDOWED_RATIO = 0.8
STATE_RATIO = 0.9
_SLOTS_A_REQUEST, _EXTRA_SLOTS_OVERLAPPED, _EXTRA_SLOTS = 3, 2, 1
_INDEX_BLOCK = 128


@dataclass(frozen=True, slots=True)
class Cell:
    """Bytes of one token on one rank of a stage: in full layers, and in layers with a pool of their own.

    `full_keys` and `windowed_keys` are the parts that keys take; a latent is neither keys nor values. `drafted`
    are the bytes of a drafter that no cut counted.
    """

    full: float
    windowed: float
    full_layers: int
    full_keys: int
    windowed_keys: int
    drafted: float = 0.0

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
    found = _cell(model, first, last, layout.tensor_parallel_size, named, scaled, apart)
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
        return replace(found, drafted=found.full)
    known = named if isinstance(named, int) and named > 0 else 0
    if known and drafter.first:
        return replace(found, full=int(found.full * (1 + known / layers)))
    return replace(found, drafted=found.full * (known or 1) / layers)


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
    dtype = cache_dtype(dtype_name, model.dtype)
    full = windowed = full_layers = full_keys = windowed_keys = 0
    for layer in model.layers[first : last + 1]:
        if not (attention := layer.attention) or not attention.stores:
            continue
        size = _token_bytes(attention, tensor, dtype, architecture.rotary_width(model) if scaled else 0)
        keys = size * attention.key_dim // (attention.key_dim + attention.value_dim)
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


@dataclass(frozen=True, slots=True)
class RequestState:
    """Bytes of one request's recurrent states on one rank: columns of convolutions, and matrices."""

    convolution: int
    matrix: int

    @property
    def total(self) -> int:
        """Both."""
        return self.convolution + self.matrix


def request_state(model: Model, layout: Layout) -> RequestState:
    """States of one request on one rank of the stage with most stateful layers."""
    name = str(layout.options.get("mamba_ssm_dtype") or _configured_state_dtype(model))
    ssm, stages = BY_NAME.get(name, F32), range(layout.pipeline_parallel_size)
    found = [_stage_states(model, *layout.stage_layers(s), layout.tensor_parallel_size, ssm) for s in stages]
    return max(found, key=lambda states: states.total)


@cache
def _stage_states(model: Model, first: int, last: int, tensor: int, ssm: DType) -> RequestState:
    found = [(layer, layer.state) for layer in model.layers[first : last + 1] if layer.state]
    columns = (state_channels(layer, tensor) * max(state.conv_kernel - 1, 0) for layer, state in found)
    matrices = (ceil_div(state.ssm_elements, tensor) for _, state in found)
    return RequestState(sum(map(BF16.size, columns)), sum(map(ssm.size, matrices)))


def _configured_state_dtype(model: Model) -> object:
    return architecture.text_config(model).get("mamba_ssm_dtype")


def slots_per_request(model: Model, layout: Layout) -> int:
    """State slots that a request needs (_calculate_mamba_ratio): its own and those of the prefix cache."""
    if layout.options.get("disable_radix_cache"):
        return 1
    if not architecture.has(model, "state_extra_buffer") or layout.options.get("plain_state_slots"):
        return _SLOTS_A_REQUEST
    overlapped = layout.pipeline_parallel_size == 1
    return _SLOTS_A_REQUEST + (_EXTRA_SLOTS_OVERLAPPED if overlapped else _EXTRA_SLOTS)


def cut(model: Model, layout: Layout, stage: int, gpu: Gpu, available: int, rules: Rules) -> Pool:
    """Return the pool of a stage that has `available` bytes a rank for states and cache."""
    slots, requests, fixed = 0, None, 0
    if architecture.compressed(model):
        layers = _compressing(model, *layout.stage_layers(stage))
        fixed = state_bytes(layers, _with_drafts(layout, rules.compressor_states), layout.max_num_seqs)
        available -= fixed
    if architecture.stateful(model):
        slots, fixed = _states(model, layout, available)
        available -= fixed + (slots + 1) * request_state(model, layout).total
        requests = slots // slots_per_request(model, layout)
    size, page = cell(model, layout, stage, gpu, rules), layout.block_size
    ratio = windowed_ratio(model, layout)
    per_token = size.of_token(ratio if size.windowed else 0.0)
    tokens = int(max(available, 0) // per_token) if per_token else layout.max_model_len
    limit = layout.options.get("max_total_tokens")
    tokens = (min(tokens, int(limit)) if limit else tokens) // page * page
    windowed = int(tokens * ratio) // page * page if size.windowed and size.full_layers else 0
    return Pool(tokens, windowed, slots, requests, fixed)


def _states(model: Model, layout: Layout, available: int) -> tuple[int, int]:
    """Slots, and the bytes of states between drafted tokens (_handle_max_mamba_cache); one more slot pads each."""
    request, drafted = request_state(model, layout).total, draft_tokens(layout)
    each = slots_per_request(model, layout)
    if fixed := layout.options.get("max_mamba_cache_size"):
        slots = int(fixed) // layout.data_parallel_size
    elif layout.options.get("disable_radix_cache") and not layout.options.get("state_slots_by_memory"):
        slots = max(1, layout.max_num_seqs // layout.data_parallel_size)
        each = 1
    else:
        ratio = float(layout.options.get("mamba_full_memory_ratio", STATE_RATIO))
        budget = available * ratio / (1 + ratio)
        slots = int((budget - request * (1 + drafted)) // (request * (1 + drafted / each)))
    return slots, request * (min(layout.max_num_seqs, slots // each) + 1) * drafted
