"""The weights line of the log: parameters and buffers as PyTorch counts them, and what loading adds.

Source: vllm/v1/worker/gpu_model_runner.py (load_model, DeviceMemoryProfiler): what PyTorch holds after loading.
"""

from collections import Counter, defaultdict
from dataclasses import replace
from functools import cache, lru_cache

from planner.engines.vllm.absorbed_latent import absorbed_bytes
from planner.engines.vllm.allocator import allocated, expands
from planner.engines.vllm.fused_modules import parameter_name
from planner.engines.vllm.latent_support import unfolds
from planner.engines.vllm.model_class import model_class
from planner.engines.vllm.packed_experts import padding
from planner.engines.vllm.parameters import outer_tensors, sharding
from planner.engines.vllm.prediction_layers import prediction_bytes
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.rotary_tables import rotary_bytes
from planner.engines.vllm.unasked_towers import unasked_towers
from planner.engines.vllm.weight_types import WeightTypes
from planner.engines.vllm.whole_tower import whole_tower
from planner.fleet.silicon import Silicon
from planner.layout import Layout
from planner.memory.sharding import Sharding
from planner.models.dtype import F32
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.tensor import Role

_MOST_STAGES = 4096
_MULTIPLIES_FP8 = (8, 9)
_OWN_TABLES, _OWN_FROM, _SHARED_FROM = ("GemmaForCausalLM", "Gemma2ForCausalLM"), Version(0, 5, 0), Version(0, 6, 0)
"""Classes whose layers each made a rotary table between these releases (models/gemma2.py: in 0.5.4, not in 0.6.1)."""


def loaded_bytes(
    model: Model, layout: Layout, stage: int, rank: int, silicon: Silicon, rules: Rules, version: Version
) -> int:
    """Return what the log calls model weights, of the `rank`-th GPU of a stage."""
    how, types = sharding(layout, rank), WeightTypes.of(model, layout, version)
    if silicon.vendor == "nvidia" and silicon.capability < _MULTIPLIES_FP8:
        types = _repeating(types)
    first, last = layout.stage_layers(stage)
    kinds = model.layer_kinds[first : last + 1]
    is_last = stage == layout.pipeline_parallel_size - 1
    expandable = expands(layout.options)
    own = _stage(model, kinds, how, types, padding(model, how, silicon, rules), rules, version, expandable)
    tower, left_out = 1 if whole_tower(model, layout) else how.tensor, unasked_towers(model, layout, version)
    outer = _outer(model, how, types, version, tower, left_out, stage == 0, is_last, expandable)
    return own + outer + (prediction_bytes(model, layout, how, types, version) if is_last else 0)


@cache
def _repeating(types: WeightTypes) -> WeightTypes:
    """The types where Marlin multiplies FP8, which repeats the scale of a block for each output."""
    return replace(types, repeated_blocks=True)


@lru_cache(maxsize=_MOST_STAGES)
def _stage(
    model: Model,
    kinds: tuple[int, ...],
    how: Sharding,
    types: WeightTypes,
    factor: float,
    rules: Rules,
    version: Version,
    expandable: bool,
) -> int:
    """Bytes of the layers of a stage, of these kinds: the same under all limits, on most cards."""
    layers, total = tuple(model.distinct_layers), 0
    for kind, times in Counter(kinds).items():
        size = _layer(layers[kind], how, types, factor, expandable)
        absorbed = 0 if unfolds(model, rules) else absorbed_bytes(layers[kind], how, types, rules)
        total += times * (size + absorbed)
    own = model.architecture in _OWN_TABLES and _OWN_FROM <= version < _SHARED_FROM
    tables = _rotary(model, types, version) * (len(kinds) if own else 1)
    return total + tables


@cache
def _layer(layer: Layer, how: Sharding, types: WeightTypes, factor: float, expandable: bool) -> int:
    """Bytes of a layer, parameter by parameter; `factor` pads the routed experts."""
    parameters: dict[str, float] = defaultdict(float)
    for tensor, size in types.sizes(layer.tensors, how):
        parameters[parameter_name(tensor)] += size * (factor if tensor.role is Role.EXPERT else 1)
    return sum(allocated(int(size), expandable=expandable) for size in parameters.values())


@cache
def _outer(
    model: Model,
    how: Sharding,
    types: WeightTypes,
    version: Version,
    tower_ranks: int,
    left_out: frozenset[str],
    is_first: bool,
    is_last: bool,
    expandable: bool,
) -> int:
    """Bytes of what a stage holds beside its layers."""
    outer = outer_tensors(model, tower_ranks, version, left_out, is_first=is_first, is_last=is_last)
    return sum(allocated(size, expandable=expandable) for _, size in types.sizes(outer, how))


@cache
def _rotary(model: Model, types: WeightTypes, version: Version) -> int:
    peculiar = model_class(model.architecture, version)
    if not peculiar.rotary_table:
        return 0
    return rotary_bytes(model, (F32 if peculiar.float32_rotary_table else types.served).size(1))
