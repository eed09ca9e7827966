"""The most bytes that weights and caches share on a stage of a pipeline, told without its weights."""

from collections.abc import Iterable, Sequence

from planner.engines.vllm.rank_memory import beside_weights, rank_memory
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.stage_memory import of_rank
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model


def stage_room(model: Model, layout: Layout, sites: Sequence[Site], rules: Rules, version: Version) -> int:
    """Return the bytes that weights and caches may take on the stage with most room, of this pipeline or a shorter one.

    With more layers, or with the first or the last of them, a stage takes no less for all else.
    """
    return max(
        _room(model, layout, stage, sites[stage % len(sites)], rules, version)
        for stage in _roomiest(model, layout, sites)
    )


def _room(model: Model, layout: Layout, stage: int, site: Site, rules: Rules, version: Version) -> int:
    """What the engine asks for less all but the weights; these count where they decide how much else is taken."""
    weighs = site.gpu.unified_memory or "kv_cache_memory_bytes" in layout.options
    if weighs:
        held = rank_memory(model, layout, stage, 0, site.gpu.silicon, rules, version)
    else:
        held = beside_weights(model, layout, stage, site.gpu.silicon, rules, version)
    lines = of_rank(held, model, layout, stage, site, rules, version)
    return lines.pool + lines.weights


def _roomiest(model: Model, layout: Layout, sites: Sequence[Site]) -> Iterable[int]:
    """Stages of which one has most room: one of those that lie alike, are alike and are at the same end.

    Where layers are of one kind and stages lie alike, those are the inner one with the fewest layers, and ends with
    fewer than that.
    """
    found: dict[object, int] = {}
    last, begin = layout.pipeline_parallel_size - 1, 0
    if last > 1 and len(model.distinct_layers) == 1 and len(set(map(id, sites))) == 1:
        layers_of = layout.layers_per_stage
        inner = min(range(1, last), key=layers_of.__getitem__)
        return [inner, *(end for end in (0, last) if layers_of[end] < layers_of[inner])]
    for stage, layers in enumerate(layout.layers_per_stage):
        end = begin + layers
        key = (stage == 0, stage == last, model.layer_kinds[begin:end], id(sites[stage % len(sites)]))
        found.setdefault(key, stage)
        begin = end
    return found.values()
