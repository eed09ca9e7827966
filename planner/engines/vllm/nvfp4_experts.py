"""Buffers of experts in NVFP4 on Blackwell, whose kernels bring their own: little stays, the rest comes and goes.

Kernels are tried in the order FlashInfer's TensorRT-LLM (B200 alone), FlashInfer's CUTLASS, vLLM's own CUTLASS
(layers/fused_moe/oracle/nvfp4.py, 0.17 to 0.29); `--moe-backend cutlass` asks for the last. Older GPUs run on Marlin.

FlashInfer asks PyTorch for a workspace at each call, the engine keeps a row a token (experts/flashinfer_cutlass_moe.py,
workspace_shapes of 0.17 to 0.33). It has what goes into a multiplication and what comes out of it, each as wide as the
wider of both multiplications (csrc/fused_moe/cutlass_backend/cutlass_fused_moe_kernels.cuh of FlashInfer 0.6.6,
getWorkspaceDeviceBufferSizes); TensorRT-LLM's kernels have the two outputs, the first in four bits
(csrc/trtllm_fused_moe_kernel_launcher.cu).

vLLM's own kernels shuffle rows for the experts and back: the inputs of all chosen experts stay to the end, the outputs
are copied in order and once more to be weighted (run_cutlass_moe_fp4 and workspace_shapes of experts/cutlass_moe.py in
0.20.2; the same lines from 0.10.0 to 0.33); they cannot share experts out among ranks (_supports_parallel_config).
"""

from typing import NamedTuple

from planner.engines.vllm.rank_widths import RankWidths
from planner.engines.vllm.release import Version
from planner.fleet.silicon import Silicon
from planner.layout import Layout

_FIRST_ORDERED = Version(0, 17, 0)
_BLACKWELL, _AFTER_B200 = (10, 0), (11, 0)
_SHUFFLED = 3


class Buffers(NamedTuple):
    """Elements a token, of the type that is served: what stays from the first step on, and what comes and goes."""

    kept: int
    passing: int


def nvfp4_buffers(
    widths: RankWidths, layout: Layout, silicon: Silicon, version: Version, hidden: int
) -> Buffers | None:
    """Return the buffers of these experts; None where they have the usual ones."""
    if not widths.nvfp4 or silicon.vendor != "nvidia" or silicon.capability < _BLACKWELL:
        return None
    asked, chosen, wider = str(layout.options.get("moe_backend", "auto")), widths.chosen, max(widths.expert, hidden)
    if asked == "cutlass" and not layout.expert_parallel:
        return Buffers(chosen * (wider + widths.expert // 2), _SHUFFLED * chosen * hidden)
    if version < _FIRST_ORDERED or asked not in ("auto", "flashinfer_cutlass", "flashinfer_trtllm"):
        return None
    if silicon.capability < _AFTER_B200 and asked != "flashinfer_cutlass":
        return Buffers(0, chosen * (hidden + widths.expert // 8))
    return Buffers(hidden, chosen * (wider + hidden))
