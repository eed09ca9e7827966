"""A smaller model of the catalogue that drafts (`--speculative-model` of v0, `model` of `--speculative-config`).

v0 loads it before the first model is profiled, and makes as many blocks of both caches as take no more than the blocks
that the first would have had (spec_decode/spec_decode_worker.py of 0.6.1, split_num_cache_blocks_evenly); in v1 its
layers cache beside the others. It is divided as the first one is, unless another number of ranks is asked for.
"""

from functools import cache

from planner.engines.vllm.object_option import object_option
from planner.engines.vllm.parameters import stage_parameters
from planner.engines.vllm.release import Version
from planner.errors import BadInput
from planner.layout import Layout
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.source import load_model

_HUB = "hf:"
_OF_ITS_OWN = {"expert_parallel": False, "options": {}, "pipeline_parallel_size": 1}


def draft_model(layout: Layout) -> Model | None:
    """Return the model that drafts; None where there is none, or none that we know."""
    wished = object_option(layout, "speculative_config")
    name = layout.options.get("speculative_model") or wished.get("model")
    return _named(str(name)) if name else None


@cache
def _named(name: str) -> Model | None:
    try:
        return None if name.startswith(_HUB) else load_model(name)
    except BadInput:
        return None


def draft_layers(layout: Layout) -> tuple[Layer, ...]:
    """Return its layers, which cache on the last stage."""
    drafter = draft_model(layout)
    return tuple(drafter.layers) if drafter else ()


def draft_bytes(layout: Layout, version: Version) -> int:
    """Return its parameters on a rank."""
    drafter = draft_model(layout)
    if drafter is None:
        return 0
    wished = object_option(layout, "speculative_config").get("draft_tensor_parallel_size")
    ranks = layout.options.get("speculative_draft_tensor_parallel_size", wished or layout.tensor_parallel_size)
    alone = _OF_ITS_OWN | {"tensor_parallel_size": int(str(ranks)), "layers_per_stage": (len(drafter.layers),)}
    return stage_parameters(drafter, layout.model_copy(update=alone), 0, version=version)
