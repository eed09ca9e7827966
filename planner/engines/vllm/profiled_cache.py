"""The small cache that vLLM makes before the real one, to capture a few graphs and see what all will take.

Source: _init_minimal_kv_cache_for_profiling of v1/worker/gpu_model_runner.py (0.18 to 0.33), and of
v1/worker/gpu/cudagraph_utils.py for the second runner (0.30 on). It is given back before the cache is cut, but lies
beside the weights while it is there, whatever the fraction: Qwen3.8-27B in four bits on an RTX 5090 died in "CUDA graph
capture" with 0.80 as with 0.93, for a block of recurrent states for each of 256 sequences (recipes, pull request 810).
"""

from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.release import Rules
from planner.engines.vllm.runner import runs_on_second_runner
from planner.layout import Layout
from planner.models.model import Model


def profiled_cache_bytes(model: Model, layout: Layout, block: int, rules: Rules) -> int:
    """Return the bytes of that cache on a rank whose blocks take `block` bytes; 0 where none is made."""
    if rules.profiled_cache == "none" or "kv_cache_memory_bytes" in layout.options:
        return 0
    if runs_on_second_runner(model, rules) and not rules.second_runner_estimates:
        return 0
    blocks = captured(model, layout, rules).largest
    if rules.profiled_cache == "sequences":
        blocks = min(blocks, layout.max_num_seqs)
    return blocks * block
