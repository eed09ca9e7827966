"""Whether what graphs will take is taken out of the pool, as vLLM's own switch asks or its release chooses.

Graphs are estimated since 0.18 whatever the switch says, which is off by default up to 0.19 and on since (envs.py;
v1/worker/gpu_worker.py, cudagraph_memory_estimate_applied, 0.18 to 0.33). Qwen3-235B in FP8 on four H100 has 13.95 GiB
of cache without and needs 10.76 (0.20.0, fresh15-vllm-qwen3-235b-fp8-4xh100-8192).
"""

from collections.abc import Mapping
from dataclasses import replace

from planner.engines.vllm.release import Rules
from planner.layout import OptionValue

ESTIMATE_SWITCH = "VLLM_MEMORY_PROFILER_ESTIMATE_CUDAGRAPHS"


def with_estimate(rules: Rules, options: Mapping[str, OptionValue]) -> Rules:
    """Return the rules with the estimate applied or not; releases that make none have no such switch."""
    wished = options.get(ESTIMATE_SWITCH)
    if wished is None or rules.profiled_cache == "none":
        return rules
    return replace(rules, graphs_in_fraction=bool(int(wished)))
