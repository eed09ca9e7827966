"""Sizes that DeepEP hints for its buffers (csrc/config.hpp, deep_ep/buffer.py), outside PyTorch."""

from planner.models.dtype import BF16, F32, INT32, INT64

NODE = 8
"""Ranks that NVLink joins (NUM_MAX_NVL_PEERS)."""
_CHANNELS = 10
"""Half of the multiprocessors that exchange prompts (Buffer.num_sms)."""
_WAITING = ((8, 256), (64, 288), (96, 480), (128, 560))
"""Tokens that wait in a channel of NVLink, by the most ranks (get_dispatch_config); 720 beyond."""
_MOST_WAITING, _WAITING_BETWEEN_NODES = 720, 128
_CHOSEN = _SCALES = 128
"""Experts of a token and scales that there is room for."""
_SOURCE, _CONTROL = INT32.size(2), 16
_SCALED = 128
"""Elements of a token that share a scale."""
_TURNS, _WAYS = 2, 2
"""Odd and even steps; sent and received."""


def of_prompts(hidden: int, ranks: int) -> tuple[int, int]:
    """Return the bytes for NVLink and for RDMA (get_nvl_buffer_size_hint, get_rdma_buffer_size_hint)."""
    token = BF16.size(hidden) + _SOURCE + INT64.size(_CHOSEN) + F32.size(_CHOSEN) + F32.size(_SCALES)
    waiting = next((tokens for most, tokens in _WAITING if ranks <= most), _MOST_WAITING)
    nearby = _CHANNELS * min(ranks, NODE) * waiting * token
    between = _CHANNELS * (ranks // NODE) * _WAITING_BETWEEN_NODES * (token + _CONTROL) * _WAYS
    return nearby, between if ranks > NODE else 0


def of_decoding(hidden: int, experts: int, tokens: int) -> int:
    """Return the bytes with room for so many tokens of every rank to every expert (get_low_latency_rdma_size_hint)."""
    message = BF16.size(hidden) + max(_CONTROL, BF16.size(2 * (hidden // _SCALED)))
    return _TURNS * _WAYS * experts * tokens * message
