"""Whether what graphs will take is taken out of the pool, as vLLM's own switch asks or its release chooses.

Graphs are estimated since 0.18 whatever the switch says, which is off by default up to 0.19 and on since (envs.py;
v1/worker/gpu_worker.py, cudagraph_memory_estimate_applied, 0.18 to 0.33). Qwen3-235B in FP8 on four H100 has 13.95 GiB
of cache without and needs 10.76 (0.20.0, fresh15-vllm-qwen3-235b-fp8-4xh100-8192).
"""

from collections.abc import Mapping
from dataclasses import replace

from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.release import Rules
from planner.layout import Layout, OptionValue
from planner.models.model import Model
from planner.units import MIB

ESTIMATE_SWITCH = "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"
_SEGMENT = 20 * MIB
"""What PyTorch asks the driver for where a tensor takes 1 to 10 MiB (c10/cuda/CUDACachingAllocator.h, kLargeBuffer)."""


def with_estimate(rules: Rules, options: Mapping[str, OptionValue]) -> Rules:
    """Return the rules with the estimate applied or not; releases that make none have no such switch."""
    wished = options.get(ESTIMATE_SWITCH)
    if wished is None or rules.profiled_cache == "none":
        return rules
    return replace(rules, graphs_in_fraction=bool(int(wished)))


def estimate_leap(model: Model, layout: Layout, rules: Rules) -> int:
    """Return how far the estimate goes beyond the graphs where it takes a segment for a part of each of them.

    The first two graphs of a mode are captured, and the second is counted for every later one by what it took of the
    free memory (v1/worker/gpu_model_runner.py, profile_cudagraph_memory, 0.18 to 0.33). Where a tensor of it needs a
    segment of its own, of which the later ones take the rest, the estimate has one for each: 50 segments more, 0.98
    GiB, are in 1.69 GiB of Llama-3.1-8B on two H100 (v027; one and four foresee 0.84 and 0.57), in 1.60 of
    Granite-3.1-2B (v013) and in 1.94 of Qwen3.8-27B on GB10 (0.27.1); 0.76, 0.84 and 0.94 GiB were captured.
    """
    sizes = captured(model, layout, rules)
    return _SEGMENT * max(0, sizes.pieces - 1, sizes.whole - 1)
