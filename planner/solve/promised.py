"""What longer pipelines of the same stages may carry at most, told from the bill of a short one.

Each stage has room for weights and caches, the weights of all stages together are no fewer than those of the short one,
and the cache of a sequence is no smaller than its keys and values. Where the engine tells nothing of the rest
(activations, graphs and buffers), it is left out: no bill exceeds what is promised.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from planner.engines.profile import Engine
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
    cache = _least_cache(base)
    if not _tells(base, longest) or not 0 < cache(len(base.variant.model.layers)) <= _billed(base):
        return None
    most = _most_sequences(base, _stage_room(base, longest, sites), cache)
    data = base.layout.data_parallel_size
    return [Promised(base, split, data * most(split.pipeline)) for split in splits]


def without_room(base: Shape, splits: Sequence[Split], longest: Layout, sites: Sequence[Site]) -> int:
    """Return how many of the splits, shorter ones first, have no more room for the weights than `base` has."""
    if not _tells(base, longest):
        return 0
    most = _most_sequences(base, _stage_room(base, longest, sites), lambda _: 1)
    return next((place for place, split in enumerate(splits) if most(split.pipeline)), len(splits))


def _tells(base: Shape, longest: Layout) -> bool:
    """Whether the bill of a shape tells anything of longer pipelines of the same stages."""
    return (
        shares_one_pool(base.variant.engine)
        and not base.variant.limits.options
        and base.layout.max_num_seqs == longest.max_num_seqs
    )


def shares_one_pool(engine: Engine) -> bool:
    """Whether an engine holds the caches of all sequences in one pool, which fewer sequences do not make smaller."""
    return engine.name in POOLED and not hasattr(engine, "most_sequences")


def _most_sequences(base: Shape, room: int, cache: Callable[[int], int]) -> Callable[[int], int]:
    """Sequences of which so many stages together, and the one with most layers, have room for the caches.

    `cache` tells the bytes of a sequence over so many layers in a row at least.
    """
    model = base.variant.model
    layers, most, weights = len(model.layers), base.layout.max_num_seqs, base.stage_weights
    alike = len({layer.tensors for layer in model.distinct_layers}) == 1
    whole = max(1, cache(layers))
    of_layers = max(0, weights - model.weight_bytes + model.layer_bytes) if alike else 0

    def sequences(stages: int) -> int:
        found = min(most, (stages * room - weights) // whole)
        if alike:
            fullest = ceil_div(layers, stages)
            found = min(found, (room * layers - fullest * of_layers) // (layers * max(1, cache(fullest))))
        return max(0, found)

    return sequences


def _stage_room(base: Shape, longest: Layout, sites: Sequence[Site]) -> int:
    """Bytes that weights and caches may take on a rank of a stage."""
    engine = base.variant.engine
    if hasattr(engine, "stage_room"):
        found: int = engine.stage_room(base.variant.model, longest, sites)
        return found
    lowered = base.layout.memory_fraction < longest.memory_fraction
    lines = base.bill.per_device.firsts.values()
    return max(line.device_bytes if lowered else line.usable_bytes for line in lines)


def _least_cache(shape: Shape) -> Callable[[int], int]:
    """Tells the bytes that the cache of a sequence of full length takes at least on a rank, over layers in a row."""
    layout, model, engine = shape.layout, shape.variant.model, shape.variant.engine
    if hasattr(engine, "least_cache"):
        told: Callable[[int], int] = engine.least_cache(model, layout, shape.slots[0].island.gpu)
        return told
    whole = _keys_and_values(shape)
    alike = len(model.distinct_layers) == 1
    return lambda layers: whole * layers // len(model.layers) if alike or layers == len(model.layers) else 0


def _keys_and_values(shape: Shape) -> int:
    """Bytes of the cache of a sequence of full length on a rank of each stage together, without blocks and padding."""
    layout, model = shape.layout, shape.variant.model
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
