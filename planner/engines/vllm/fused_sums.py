"""FlashInfer's workspace for sums across ranks that are fused with the norm after them.

vLLM compiles this fusion in from 0.17 on, over NVLink on Hopper and on the Blackwell of data centres (config/vllm.py,
enable_allreduce_rms_fusion; compilation/passes/fusion/allreduce_rms_fusion.py). FlashInfer rounds each buffer up to
what multicast recommends, 512 MiB: three of them where the backend is trtllm (flashinfer 0.6.6, 0.6.12: trtllm_ar.py
and mnnvl.py, SymmDeviceMemory), one where it is mnnvl (0.6.16: trtllm_mnnvl_ar.py). Of the 2.06 to 2.21 GiB that eleven
runs of two and four H100 log outside PyTorch (0.19) 1.50 are these; 0.16 logged 0.55.
"""

from planner.engines.vllm.release import Rules
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.units import MIB, round_up

_MULTICAST = 512 * MIB
_SIGNAL_PAD = 2048
_HALF = 2
_MOST_MIB: dict[tuple[int, int], dict[int, float]] = {
    (9, 0): {2: 64, 4: 2, 8: 0.5},
    (10, 0): {2: 64, 4: 32, 8: 1},
    (10, 3): {2: 64, 4: 64, 8: 2},
}
"""MiB of the largest sum that is fused, by capability and ranks (FI_ALLREDUCE_FUSION_MAX_SIZE_MB of 0.24)."""
_LAMPORT, _STAGES = 3, 2
_ONE_SHOT = 64 * 1024 * 8 * 2


def fused_sums_bytes(model: Model, layout: Layout, site: Site, rules: Rules) -> int:
    """Return the bytes of the workspace on a rank; 0 where nothing is compiled or the GPUs are others."""
    ranks = layout.tensor_parallel_size
    most = _MOST_MIB.get(site.gpu.capability, {}).get(ranks)
    if rules.fused_sums == "none" or layout.enforce_eager or not site.peer_access or most is None:
        return 0
    if rules.fused_sums == "alone" and (layout.pipeline_parallel_size > 1 or layout.data_parallel_size > 1):
        return 0
    row = _HALF * model.hidden_size
    tokens = min(int(most * MIB) // row, layout.max_num_batched_tokens)
    if rules.fused_sums == "multicast":
        one_shot = ranks * row * min(tokens, _ONE_SHOT // (ranks * row))
        return _buffer(_LAMPORT * max(one_shot, _STAGES * round_up(tokens, ranks) * row))
    each = ranks * tokens * row
    return _buffer(each) + _buffer(0) + _buffer(_LAMPORT * each)


def _buffer(size: int) -> int:
    return round_up(size + _SIGNAL_PAD, _MULTICAST)
