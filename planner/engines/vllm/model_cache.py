"""The cache of a model under a layout: its groups, what a block costs each stage, what a request holds."""

from collections.abc import Callable
from functools import cache

from planner.engines.vllm.cache_groups import CacheGroup, LayerCache, form_groups
from planner.engines.vllm.cache_spec import CacheSpec, Request, SpecKind
from planner.engines.vllm.checkpoint_cache import checkpoint_cache_dtype
from planner.engines.vllm.compressed_latent import BLOCK as COMPRESSED_BLOCK
from planner.engines.vllm.compressed_latent import compresses
from planner.engines.vllm.latent_support import unfolds
from planner.engines.vllm.layer_caches import element_type, layer_caches
from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.packed_groups import pack_groups, packed, packed_bytes
from planner.engines.vllm.prediction_layers import drafted_tokens, prediction_layers
from planner.engines.vllm.recurrent_states import (
    aligned_block,
    beside_pool,
    caches_prefixes,
    held_states,
    matrix_dtype,
    state_bytes,
)
from planner.engines.vllm.release import Rules, Version, newest
from planner.engines.vllm.weight_types import WeightTypes
from planner.fleet.gpu import Gpu
from planner.layout import Layout
from planner.models.dtype import DType
from planner.models.layer import Layer
from planner.models.model import Model
from planner.units import ceil_div

DEFAULT_BLOCK = 16
_SPARSE_BLOCK = 64
_OLD_UNFOLDED_HEAD = 256
"""Width of a head of key or value before 0.7 (config.py, get_head_size: 192 padded for FlashAttention)."""
_WIDEST_HEAD, _WIDE_EIGHT_BIT_BLOCK = 512, 64


def preferred_block(model: Model, gpu: Gpu, kv_cache_dtype: str) -> int:
    """Tokens of a block: 16, and more where sparse attention has an indexer (platforms/interface.py).

    FlashAttention of Hopper reads an FP8 cache of heads 512 wide by 64 tokens (v1/attention/backends/flash_attn.py).
    """
    kinds = [layer.attention for layer in model.distinct_layers if layer.attention]
    if any(compresses(kind) for kind in kinds):
        return COMPRESSED_BLOCK
    eight_bits = (checkpoint_cache_dtype(model) if kv_cache_dtype == "auto" else kv_cache_dtype) in ("fp8", "fp8_e4m3")
    if eight_bits and gpu.silicon.is_hopper and any(kind.key_dim == _WIDEST_HEAD for kind in kinds):
        return _WIDE_EIGHT_BIT_BLOCK
    sparse = any(kind.index_dim for kind in kinds)
    return _SPARSE_BLOCK if sparse else DEFAULT_BLOCK


def layout_groups(model: Model, layout: Layout, rules: Rules, version: Version) -> tuple[CacheGroup, ...]:
    """Return the cache groups of a model under a layout."""
    return _groups(*_what_groups(model, layout, rules, version))


def least_blocks(model: Model, layout: Layout, rules: Rules, version: Version) -> Callable[[int], int]:
    """Tell the least bytes that a block takes over so many layers in a row."""
    return _least_blocks(_what_groups(model, layout, rules, version))


_Decided = tuple[Model, Rules, int, DType, DType, int, int, bool | None, int, tuple[Layer, ...]]
"""What decides the groups: the arguments of `_groups`."""


def _what_groups(model: Model, layout: Layout, rules: Rules, version: Version) -> _Decided:
    served = WeightTypes.of(model, layout, version).served
    name = layout.kv_cache_dtype
    if name == "auto":
        name = checkpoint_cache_dtype(model) or "auto"
    if name == "auto" and any(layer.attention and compresses(layer.attention) for layer in model.distinct_layers):
        name = "fp8"
    if not model_class(model.architecture, version).quantized_cache:
        name = "auto"
    return (
        model,
        rules,
        layout.tensor_parallel_size,
        element_type(name, served),
        served,
        layout.block_size,
        layout.max_model_len,
        _prefix_caching(layout),
        drafted_tokens(layout),
        prediction_layers(model, layout),
    )


def _prefix_caching(layout: Layout) -> bool | None:
    """Whether prefix caching is asked for; None where the release decides."""
    wished = layout.options.get("enable_prefix_caching")
    return None if wished is None else bool(wished)


@cache
def _groups(
    model: Model,
    rules: Rules,
    tensor: int,
    cached: DType,
    served: DType,
    block_size: int,
    max_model_len: int,
    prefix_caching: bool | None,
    drafted: int,
    drafting: tuple[Layer, ...],
) -> tuple[CacheGroup, ...]:
    matrix = matrix_dtype(model, served)
    paged = () if beside_pool(model, rules) else model.distinct_layers
    state = max([state_bytes(layer, tensor, served, matrix, drafted) for layer in paged], default=0)
    unfolded = _unfolded_width(model, rules)
    specs = [
        spec
        for layer in model.distinct_layers
        for spec in layer_caches(
            layer, tensor, cached, block_size, unfolded=unfolded, sparse_latent=rules.sparse_latent
        )
    ]
    if state and specs:
        block_size = aligned_block(model, rules, prefix_caching is not False, block_size, state, specs[0].token_bytes)
    elif state and (
        not caches_prefixes(rules, prefix_caching) or model_class(model.architecture, newest()).attention_free
    ):
        block_size = max_model_len
    held = held_states(model, rules, prefix_caching, drafted)
    page = block_size * specs[0].token_bytes if specs else 0
    caches = []
    last = len(model.layers) - 1
    for index, layer in (*enumerate(model.layers), *((last, layer) for layer in drafting)):
        own = list(
            layer_caches(layer, tensor, cached, block_size, unfolded=unfolded, sparse_latent=rules.sparse_latent)
        )
        if state and (size := state_bytes(layer, tensor, served, matrix, drafted)):
            own.append(CacheSpec(SpecKind.STATE, block_size, state_bytes=max(size, page), state_blocks=held))
        caches += [LayerCache(index, spec.as_full() if rules.cache_groups == "one" else spec) for spec in own]
    slides = any(cache.spec.kind is SpecKind.SLIDING_MLA for cache in caches)
    return pack_groups(caches) if slides else form_groups(caches)


def _unfolded_width(model: Model, rules: Rules) -> int:
    """Width of the keys and values that latent attention caches of each head; 0 where it caches the latent."""
    if rules.latent_cache == "unfolded":
        return _OLD_UNFOLDED_HEAD
    if not unfolds(model, rules) and not model_class(model.architecture, newest()).unfolded_latent:
        return 0
    return max((layer.attention.key_dim for layer in model.distinct_layers if layer.attention), default=0)


def block_bytes(groups: tuple[CacheGroup, ...], layout: Layout, rules: Rules) -> list[int]:
    """Return for each stage the bytes that one block takes on a rank of it."""
    first, found = 0, []
    for layers in layout.layers_per_stage:
        found.append(_stage_block(groups, first, first + layers - 1, rules))
        first += layers
    return found


def _stage_block(groups: tuple[CacheGroup, ...], first: int, last: int, rules: Rules) -> int:
    """Bytes of a block over the layers `first` to `last`: those of the widest group there."""
    if packed(groups) and rules.packed_pages != "widest_group":
        return packed_bytes(groups, first, last, by_slot=rules.packed_pages == "slots")
    return max([group.stage_bytes(first, last) for group in groups], default=0)


@cache
def _least_blocks(decided: _Decided) -> Callable[[int], int]:
    model, rules = decided[:2]
    groups = _groups(*decided)

    @cache
    def least(layers: int) -> int:
        """Layers that are alike take the same wherever they begin; those at the end may bring more."""
        begins = range(len(model.layers) - layers + 1 if len(model.distinct_layers) > 1 else 1)
        return min(_stage_block(groups, first, first + layers - 1, rules) for first in begins)

    return least


def request_blocks(groups: tuple[CacheGroup, ...], layout: Layout, rules: Rules, tokens: int) -> int:
    """Return the blocks that one request of `tokens` tokens holds at most, over all groups."""
    batches = layout.pipeline_parallel_size + 1 if rules.in_flight == "all_batches" else 1
    shards = int(layout.options.get("decode_context_parallel_size", 1))
    request = Request(ceil_div(tokens, shards), batches * layout.max_num_batched_tokens)
    return max(1, sum(group.blocks(request) for group in groups))
