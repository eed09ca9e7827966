"""The cache of a model under a layout: its groups, what a block costs each stage, what a request holds."""

from functools import cache

from planner.engines.vllm.cache_groups import CacheGroup, LayerCache, form_groups
from planner.engines.vllm.cache_spec import Request
from planner.engines.vllm.checkpoint_cache import checkpoint_cache_dtype
from planner.engines.vllm.layer_caches import element_type, layer_caches
from planner.engines.vllm.release import Rules
from planner.engines.vllm.weight_types import WeightTypes
from planner.layout import Layout
from planner.models.dtype import DType
from planner.models.model import Model


def layout_groups(model: Model, layout: Layout, rules: Rules) -> tuple[CacheGroup, ...]:
    """Return the cache groups of a model under a layout."""
    served = WeightTypes.of(model, layout).served
    name = layout.kv_cache_dtype
    if name == "auto":
        name = checkpoint_cache_dtype(model) or "auto"
    return _groups(model, layout.tensor_parallel_size, element_type(name, served), layout.block_size, rules)


@cache
def _groups(
    model: Model, tensor: int, dtype: DType, block_size: int, rules: Rules
) -> tuple[CacheGroup, ...]:
    caches = [
        LayerCache(index, spec)
        for index, layer in enumerate(model.layers)
        for spec in layer_caches(layer, tensor, dtype, block_size)
    ]
    if rules.cache_groups == "one":
        caches = [LayerCache(cache.layer, cache.spec.as_full()) for cache in caches]
    return form_groups(caches)


def block_bytes(groups: tuple[CacheGroup, ...], layout: Layout, stage: int) -> int:
    """Return the bytes that one block takes on a rank of a stage: those of the widest group there."""
    first, last = layout.stage_layers(stage)
    return max((group.stage_bytes(first, last) for group in groups), default=0)


def request_blocks(groups: tuple[CacheGroup, ...], layout: Layout, rules: Rules, tokens: int) -> int:
    """Return the blocks that one request of `tokens` tokens holds at most, over all groups."""
    batches = layout.pipeline_parallel_size + 1 if rules.in_flight == "all_batches" else 1
    request = Request(tokens, batches * layout.max_num_batched_tokens)
    return max(1, sum(group.blocks(request) for group in groups))
