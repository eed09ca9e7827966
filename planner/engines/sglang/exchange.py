"""Buffers through which DeepEP exchanges tokens among the ranks that share experts, taken at the first run.

SGLang asks for as much as DeepEP hints, for prompts and for decoding (layers/moe/token_dispatcher/deepep.py,
get_deepep_buffer, 0.5.1 to 0.5.23): 2.1 GiB for DeepSeek-V3 on 8 ranks.
"""

from planner.engines import deepep
from planner.layout import Layout
from planner.models.model import Model

_TOKENS = 128
"""Tokens of a decoding step that there is room for on each rank (SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK)."""


def by_deepep(layout: Layout) -> bool:
    """Whether tokens are exchanged by DeepEP, which spreads the experts over all ranks of a stage (server_args.py)."""
    return layout.options.get("moe_a2a_backend") == "deepep" or bool(layout.options.get("enable_deepep_moe"))


def exchange_bytes(model: Model, layout: Layout) -> int:
    """Return the bytes of the buffers on a rank; 0 where nothing is exchanged by DeepEP."""
    options, ranks = layout.options, layout.gpus_per_stage
    if not by_deepep(layout) or not model.experts or ranks == 1:
        return 0
    mode = options.get("deepep_mode", "auto")
    nearby, between = (0, 0) if mode == "low_latency" else deepep.of_prompts(model.hidden_size, ranks)
    if mode != "normal":
        experts = model.experts + int(options.get("ep_num_redundant_experts", 0))
        tokens = int(options.get("SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK", _TOKENS))
        between = max(between, deepep.of_decoding(model.hidden_size, experts, tokens))
    return nearby + between
