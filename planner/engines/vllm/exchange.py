"""Buffers through which DeepEP exchanges tokens of data-parallel ranks that share experts; the profiling run sees them.

A GiB for NVLink (VLLM_DEEPEP_BUFFER_SIZE_MB), one for RDMA between nodes or what DeepEP hints for low latency
(distributed/device_communicators/all2all.py, 0.9.1 to 0.33): that has room for VLLM_MOE_DP_CHUNK_SIZE tokens of each
rank, from 0.20 on for those of a step, 256 by default (engine/arg_utils.py, use_batched_dp_moe of config/parallel.py).
What experts then work on in batches is billed as without it.
"""

from planner.engines import deepep
from planner.engines.vllm.release import Version
from planner.layout import Layout, OptionValue
from planner.models.model import Model
from planner.units import MIB

STEP_TOKENS = 256
"""Tokens of a step by default where its batches are exchanged with low latency, and of a chunk before."""
_BY_STEP = (0, 20)
_NEARBY_MIB = 1024


def exchanged_in_batches(options: dict[str, OptionValue], version: Version, *, spread: bool) -> bool:
    """Whether the tokens of a step are as few as fit the buffers; `spread`: data-parallel ranks share experts."""
    return spread and version >= _BY_STEP and _backend(options) == "deepep_low_latency"


def exchange_bytes(model: Model, layout: Layout, version: Version) -> int:
    """Return the bytes of the buffers on a rank; 0 where nothing is exchanged by DeepEP."""
    options, backend = layout.options, _backend(layout.options)
    if not model.experts or not layout.expert_parallel or layout.data_parallel_size == 1:
        return 0
    size = int(options.get("VLLM_DEEPEP_BUFFER_SIZE_MB", _NEARBY_MIB)) * MIB
    if backend == "deepep_high_throughput":
        return size * (2 if layout.gpus_per_stage > deepep.NODE else 1)
    if backend == "deepep_low_latency":
        chunk = int(options.get("VLLM_MOE_DP_CHUNK_SIZE", STEP_TOKENS))
        tokens = layout.max_num_batched_tokens if version >= _BY_STEP else chunk
        return size + deepep.of_decoding(model.hidden_size, model.experts, tokens)
    return 0


def _backend(options: dict[str, OptionValue]) -> OptionValue:
    return options.get("all2all_backend", options.get("VLLM_ALL2ALL_BACKEND", ""))
