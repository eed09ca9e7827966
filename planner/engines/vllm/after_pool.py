"""What vLLM allocates once the cache is there: graphs, then the sampler and the kernels as they are warmed up."""

from planner.engines.vllm.activation import sampler_bytes
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.stage_memory import StageMemory
from planner.engines.vllm.terms import gib_bytes, terms
from planner.engines.vllm.weight_types import WeightTypes
from planner.layout import Layout
from planner.models.model import Model


def warm_up_bytes(model: Model, layout: Layout, stage: int, rules: Rules, version: Version) -> int:
    """Return what the warm-up of a stage takes beside graphs: the sampler on the last one, expert kernels; v0 has none.

    The profiling run made the same tensors of the sampler, but gave their memory back before the pool was cut.
    """
    needed = 0
    if stage == layout.pipeline_parallel_size - 1 and rules.generation == "v1":
        served = WeightTypes.of(model, layout, version).served
        needed += sampler_bytes(model, layout, rules, served)
    if model.quantization == "mxfp4" and rules.generation == "v1":
        needed += gib_bytes(terms("after_pool")["quantized_expert_warm_up"])
    return needed


def left_bytes(lines: StageMemory, pool: int) -> int:
    """Return what is free for the warm-up when a pool of this size is taken."""
    return lines.free - lines.weights - lines.non_torch - lines.kept - pool - lines.graphs
