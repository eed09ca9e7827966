"""What a rank of a stage holds on any card of its generation, remembered: ranks of many layouts are alike."""

from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from planner.engines.vllm.activation import Activation, activation
from planner.engines.vllm.graph_memory import graph_bytes
from planner.engines.vllm.loaded_weights import loaded_bytes
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.weight_types import WeightTypes
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.models.model import Model

_MOST_LAYOUTS = 4096
_OF_NO_RANK = {"layers_per_stage", "memory_fraction", "options"}
_sizes = attrgetter(*(name for name in Layout.model_fields if name not in _OF_NO_RANK))
"""What of a layout a rank depends on, beside its layers and the options."""


class RankMemory(NamedTuple):
    """Bytes of the weights, of the activation and of captured graphs."""

    weights: int
    peak: Activation
    graphs: int


def rank_memory(
    model: Model, layout: Layout, stage: int, rank: int, silicon: Silicon, rules: Rules, version: Version
) -> RankMemory:
    """Return what the `rank`-th GPU of a stage holds; it depends on the layers of the stage and on its being an end."""
    options = tuple(sorted(layout.options.items()))
    known = _ranks(model, _sizes(layout), options, silicon, rules, version)
    first, last = layout.stage_layers(stage)
    key = (stage == 0, stage == layout.pipeline_parallel_size - 1, model.layer_kinds[first : last + 1], rank)
    if key not in known:
        served = WeightTypes.of(model, layout, version).served
        known[key] = RankMemory(
            loaded_bytes(model, layout, stage, rank, silicon, rules, version),
            activation(model, layout, stage, silicon, rules, version, served),
            graph_bytes(model, layout, stage, rules),
        )
    return known[key]


@lru_cache(maxsize=_MOST_LAYOUTS)
def _ranks(*layout: object) -> dict[tuple[object, ...], RankMemory]:
    """What is known of the ranks of a layout, however its layers are shared out."""
    return {}


def forget_ranks() -> None:
    """Forget every rank: the constants that they were made with have changed."""
    _ranks.cache_clear()
