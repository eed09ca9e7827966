"""What a rank of a stage holds on any card of its generation, remembered: ranks of many layouts are alike."""

from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from planner.engines.vllm.activation import Activation, activation
from planner.engines.vllm.graph_memory import graph_bytes
from planner.engines.vllm.loaded_weights import loaded_bytes
from planner.engines.vllm.recurrent_states import beside_pool
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.weight_types import WeightTypes
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.model import Model

_MOST_LAYOUTS = 4096
_OF_NO_RANK = {"layers_per_stage", "pipeline_parallel_size", "memory_fraction", "options"}
_sizes = attrgetter(*(name for name in Layout.model_fields if name not in _OF_NO_RANK))
"""What of a layout a rank depends on, beside its layers, the options, and whether it is a pipeline of any length."""


class RankMemory(NamedTuple):
    """Bytes of the weights, of the activation and of captured graphs."""

    weights: int
    peak: Activation
    graphs: int


class _Known(dict[tuple[object, ...], RankMemory]):
    """Ranks of a layout by their layers and their being at an end, and the peaks of their activation."""

    def __init__(self) -> None:
        super().__init__()
        self.peaks: dict[tuple[object, ...], Activation] = {}


def rank_memory(
    model: Model, layout: Layout, stage: int, rank: int, silicon: Silicon, rules: Rules, version: Version
) -> RankMemory:
    """Return what the `rank`-th GPU of a stage holds; it depends on the layers of the stage and on its being an end."""
    known = _ranks(model, what_ranks_share(layout), silicon, rules, version)
    first, last = layout.stage_layers(stage)
    key = (stage == 0, stage == layout.pipeline_parallel_size - 1, model.layer_kinds[first : last + 1], rank)
    held = known.get(key)
    if held is None:
        held = known[key] = RankMemory(
            loaded_bytes(model, layout, stage, rank, silicon, rules, version),
            _peak(model, layout, stage, silicon, rules, version, known),
            graph_bytes(model, layout, stage, silicon, rules, version),
        )
    return held


def beside_weights(
    model: Model, layout: Layout, stage: int, silicon: Silicon, rules: Rules, version: Version
) -> RankMemory:
    """Return what a GPU of a stage holds but for its weights, which are not counted."""
    known = _ranks(model, what_ranks_share(layout), silicon, rules, version)
    peak = _peak(model, layout, stage, silicon, rules, version, known)
    return RankMemory(0, peak, graph_bytes(model, layout, stage, silicon, rules, version))


def _peak(
    model: Model, layout: Layout, stage: int, silicon: Silicon, rules: Rules, version: Version, known: _Known
) -> Activation:
    """The activation: it depends on the kinds of the layers alone, unless sums or states are kept of all of them."""
    first, last = layout.stage_layers(stage)
    kinds = model.layer_kinds[first : last + 1]
    counted = 0 if not rules.kept_sums and not beside_pool(model, rules) else len(kinds)
    key = (stage == 0, stage == layout.pipeline_parallel_size - 1, frozenset(kinds), counted)
    peak = known.peaks.get(key)
    if peak is None:
        served = WeightTypes.of(model, layout, version).served
        peak = known.peaks[key] = activation(model, layout, stage, silicon, rules, version, served)
    return peak


def what_ranks_share(layout: Layout) -> tuple[object, ...]:
    """Return what of a layout its ranks depend on, beside their layers and their being at an end."""
    return _sizes(layout), tuple(sorted(layout.options.items())), layout.pipeline_parallel_size == 1


@lru_cache(maxsize=_MOST_LAYOUTS)
def _ranks(*layout: object) -> _Known:
    """What is known of the ranks of a layout, however its layers are shared out."""
    return _Known()


def forget_ranks() -> None:
    """Forget every rank: the constants that they were made with have changed."""
    _ranks.cache_clear()
