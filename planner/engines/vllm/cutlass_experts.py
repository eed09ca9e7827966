"""Experts in NVFP4 that run on vLLM's own CUTLASS kernels (`--moe-backend cutlass`), where they make copies a token.

Their buffers are narrower than those of other kernels, but rows are shuffled for the experts and back: inputs of all
chosen experts stay to the end, the outputs are copied in order and once more to be weighted (run_cutlass_moe_fp4 and
workspace_shapes of layers/fused_moe/experts/cutlass_moe.py in 0.20.2; the same lines from 0.10.0 to 0.33). They are
chosen where they are asked for, as FlashInfer's come first (layers/fused_moe/oracle/nvfp4.py, 0.17 to 0.29), and not
where experts are shared out among ranks (_supports_parallel_config).
"""

from planner.engines.vllm.rank_widths import RankWidths
from planner.fleet.silicon import Silicon
from planner.layout import Layout

_SHUFFLED = 3
_BLACKWELL = (10, 0)


def runs_on_cutlass(widths: RankWidths, layout: Layout, silicon: Silicon) -> bool:
    """Whether these experts run on them."""
    asked = str(layout.options.get("moe_backend", "")).lower() == "cutlass"
    return asked and widths.nvfp4 and not layout.expert_parallel and silicon.capability >= _BLACKWELL


def buffer_width(widths: RankWidths, hidden: int) -> int:
    """Elements of the buffers for each chosen expert of a token."""
    return max(widths.expert, hidden) + widths.expert // 2


def shuffled_width(widths: RankWidths, hidden: int) -> int:
    """Elements of the copies for all chosen experts of a token."""
    return _SHUFFLED * widths.chosen * hidden
