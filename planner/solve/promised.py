"""What longer pipelines of the same stages may carry at most, told from the bill of a short one.

Each stage has room for weights and caches, the weights of all stages together are no fewer than those of the short one,
and the cache of a sequence is no smaller than its keys and values. Where the engine tells nothing of the rest
(activations, graphs and buffers), it is left out: no bill exceeds what is promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.kv_cache import cache_dtype, token_bytes
from planner.models.attention import Attention, CacheKind
from planner.solve.cache_bound import POOLED
from planner.solve.shape import Shape
from planner.solve.splits import Split
from planner.units import ceil_div


@dataclass(frozen=True)
class Promised:
    """A pipeline that is not billed: `split` with the stages of `base`, which carries at most so many sequences."""

    base: Shape
    split: Split
    sequences: int


def promises(base: Shape, splits: Sequence[Split], longest: Layout, sites: Sequence[Site]) -> list[Promised] | None:
    """Return what splits with more stages of the same kind promise; None where the bill of a shape tells nothing.

    `longest` is the layout of the longest on its `sites`, with the limits that it is offered.
    """
    engine, layout = base.variant.engine, base.layout
    cache = _least_cache(base)
    pooled = engine.name in POOLED and not hasattr(engine, "most_sequences")
    if (
        not pooled
        or base.variant.limits.options
        or layout.max_num_seqs != longest.max_num_seqs
        or not 0 < cache <= _billed(base)
    ):
        return None
    room = _stage_room(base, longest, sites)
    each = [_most_sequences(base, split.pipeline, room, cache) for split in splits]
    return [Promised(base, split, layout.data_parallel_size * n) for split, n in zip(splits, each, strict=True)]


def _most_sequences(base: Shape, stages: int, room: int, cache: int) -> int:
    """Sequences of which all stages together, and the one with most layers, have room for the caches."""
    model = base.variant.model
    layers, most = len(model.layers), base.layout.max_num_seqs
    weights = base.stage_weights
    found = min(most, (stages * room - weights) // cache)
    if len(model.distinct_layers) == 1:
        fullest = ceil_div(layers, stages)
        beside_layers = model.weight_bytes - sum(layer.bytes for layer in model.layers)
        left = room * layers - fullest * max(0, weights - beside_layers)
        found = min(found, left // (fullest * cache))
    return max(0, found)


def _stage_room(base: Shape, longest: Layout, sites: Sequence[Site]) -> int:
    """Bytes that weights and caches may take on a rank of a stage."""
    engine = base.variant.engine
    if hasattr(engine, "stage_room"):
        found: int = engine.stage_room(base.variant.model, longest, sites)
        return found
    lowered = base.layout.memory_fraction < longest.memory_fraction
    lines = base.bill.per_device.firsts.values()
    return max(line.device_bytes if lowered else line.usable_bytes for line in lines)


def _least_cache(shape: Shape) -> int:
    """Bytes that the cache of a sequence of full length takes at least on a rank of each stage together."""
    layout, model, logged = shape.layout, shape.variant.model, shape.bill.logged
    if len(model.distinct_layers) == 1 and "blocks_per_sequence" in logged:
        first = int(logged["blocks_per_sequence"]) * int(logged["block_bytes"])
        return first * len(model.layers) // layout.layers_per_stage[0]
    dtype = cache_dtype(layout.kv_cache_dtype, model.dtype)
    return sum(
        token_bytes(layer.attention, layout.tensor_parallel_size, dtype)
        * _entries(layer.attention, layout.max_model_len)
        for layer in model.layers
        if layer.attention
    )


def _entries(attention: Attention, tokens: int) -> int:
    """Entries that a sequence of so many tokens keeps at least."""
    if attention.kind is CacheKind.CROSS:
        return 0
    if attention.kind in (CacheKind.SLIDING, CacheKind.CHUNKED):
        return min(tokens, max(0, (attention.window or 1) - 1))
    return tokens // attention.compression


def _billed(shape: Shape) -> int:
    """The same as billed; larger, as a part of the pool is no whole sequence."""
    pool = sum(line.kv_cache_bytes for line in shape.bill.per_device.firsts.values())
    return pool // ceil_div(shape.bill.sequences, shape.layout.data_parallel_size)
