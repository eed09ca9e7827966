"""Buffers through which DeepEP exchanges tokens among the ranks that share experts, taken at the first run.

Prompts go through NVLink, and RDMA between nodes; decoding through buffers of NVSHMEM with room for what every rank may
send to every expert. SGLang asks for as much as DeepEP hints (layers/moe/token_dispatcher/deepep.py,
get_deepep_buffer, 0.5.1 to 0.5.23; in DeepEP csrc/config.hpp, deep_ep/buffer.py): 2.1 GiB for DeepSeek-V3 on 8 ranks.
"""

from planner.layout import Layout
from planner.models.dtype import BF16, F32, INT32, INT64
from planner.models.model import Model

_NODE = 8
"""Ranks that NVLink joins (NUM_MAX_NVL_PEERS)."""
_CHANNELS = 10
"""Half of the multiprocessors that exchange prompts (Buffer.num_sms)."""
_WAITING = ((8, 256), (64, 288), (96, 480), (128, 560))
"""Tokens that wait in a channel of NVLink, by the most ranks; 720 beyond."""
_MOST_WAITING, _WAITING_BETWEEN_NODES = 720, 128
_CHOSEN = _SCALES = 128
"""Experts of a token and scales that there is room for."""
_SOURCE, _CONTROL = INT32.size(2), 16
_SCALED = 128
"""Elements of a token that share a scale."""
_TOKENS = 128
"""Tokens of a decoding step that there is room for on each rank (SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK)."""
_TURNS, _WAYS = 2, 2
"""Odd and even steps; sent and received."""


def by_deepep(layout: Layout) -> bool:
    """Whether tokens are exchanged by DeepEP, which spreads the experts over all ranks of a stage (server_args.py)."""
    return layout.options.get("moe_a2a_backend") == "deepep" or bool(layout.options.get("enable_deepep_moe"))


def exchange_bytes(model: Model, layout: Layout) -> int:
    """Return the bytes of the buffers on a rank; 0 where nothing is exchanged by DeepEP."""
    ranks, mode = layout.gpus_per_stage, layout.options.get("deepep_mode", "auto")
    if not by_deepep(layout) or not model.experts or ranks == 1:
        return 0
    nearby, between = (0, 0) if mode == "low_latency" else _prompts(model, ranks)
    return nearby + max(between, 0 if mode == "normal" else _decoding(model, layout))


def _prompts(model: Model, ranks: int) -> tuple[int, int]:
    """Bytes for NVLink and for RDMA."""
    token = BF16.size(model.hidden_size) + _SOURCE
    token += INT64.size(_CHOSEN) + F32.size(_CHOSEN) + F32.size(_SCALES)
    waiting = next((tokens for most, tokens in _WAITING if ranks <= most), _MOST_WAITING)
    nearby = _CHANNELS * min(ranks, _NODE) * waiting * token
    between = _CHANNELS * (ranks // _NODE) * _WAITING_BETWEEN_NODES * (token + _CONTROL) * _WAYS
    return nearby, between if ranks > _NODE else 0


def _decoding(model: Model, layout: Layout) -> int:
    options, hidden = layout.options, model.hidden_size
    experts = model.experts + int(options.get("ep_num_redundant_experts", 0))
    tokens = int(options.get("SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK", _TOKENS))
    message = BF16.size(hidden) + max(_CONTROL, BF16.size(2 * (hidden // _SCALED)))
    return _TURNS * _WAYS * experts * tokens * message
