"""What vLLM allocates once the cache is there: graphs, then the sampler and the kernels as they are warmed up."""

from planner.engines.vllm.activation import logit_count, sampler_bytes, standing_counts
from planner.engines.vllm.release import Rules, Version
from planner.engines.vllm.runner import runs_on_second_runner
from planner.engines.vllm.stage_memory import StageMemory
from planner.engines.vllm.terms import gib_bytes, terms
from planner.engines.vllm.weight_types import WeightTypes
from planner.layout import Layout
from planner.models.dtype import F32, DType
from planner.models.model import Model

_WARM_UP_COPIES = 3


def warm_up_bytes(model: Model, layout: Layout, stage: int, rules: Rules, version: Version) -> int:
    """Return what the warm-up of a stage takes beside graphs: the sampler on the last one, expert kernels; v0 has none.

    The profiling run made the same tensors of the sampler, but gave their memory back before the pool was cut.
    """
    needed = 0
    if stage == layout.pipeline_parallel_size - 1 and rules.generation == "v1":
        served = WeightTypes.of(model, layout, version).served
        needed += sampler_bytes(model, layout, rules, served) + _unprofiled_copies(model, layout, rules, served)
    if model.quantization == "mxfp4" and rules.generation == "v1":
        needed += gib_bytes(terms("after_pool")["quantized_expert_warm_up"])
    return needed


def _unprofiled_copies(model: Model, layout: Layout, rules: Rules, served: DType) -> int:
    """Copies of the logits that V2's warm-up makes for sampling with all parameters, where its profiling run did not.

    One in float32, one masked to the top k and its softmax (v1/worker/gpu/warmup.py and sample/sampler.py of 0.28;
    flashinfer, top_k_top_p_sampling_from_logits), and over ranks what they gather: Qwen3.6-27B on four H100 ran out of
    memory with 3.34 GiB left, 3.5 float32 logits of 1,024 sequences (pull request 48601).
    """
    if rules.second_sampler_copies > 1 or not runs_on_second_runner(model, rules):
        return 0
    gathered = 2 * served.size(1) if layout.tensor_parallel_size > 1 else 0
    copies = (_WARM_UP_COPIES - rules.second_sampler_copies) * F32.size(1)
    uncharged = 0 if rules.standing_charged else standing_counts(model, layout, rules)
    return logit_count(model, layout) * (copies + gathered) + uncharged


def left_bytes(lines: StageMemory, pool: int) -> int:
    """Return what is free for the warm-up when a pool of this size is taken."""
    return lines.free - lines.weights - lines.non_torch - lines.kept - pool - lines.graphs
