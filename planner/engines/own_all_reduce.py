"""Where vLLM and SGLang sum over ranks with kernels of their own; elsewhere NCCL does, which CUDA graphs then keep.

They run between two GPUs that read each other, and between 4, 6 or 8 that are all joined by NVLink or xGMI
(custom_all_reduce.py of both, SGLang's taken from vLLM); cards of consumers do not read each other over PCIe.
"""

import re

from planner.fleet.site import Site

SUMS_A_LAYER = 2
"""Sums over ranks: after attention, and after the feed-forward part."""
_JOINED = (2, 4, 6, 8)
_CONSUMER = re.compile(r"[rg]tx-\d0[5-9]0")
"""GeForce cards."""


def sums_by_own_kernel(ranks: int, site: Site) -> bool:
    """Whether `ranks` GPUs of one site sum without NCCL."""
    if site.peer_access:
        return ranks in _JOINED
    return ranks == _JOINED[0] and not _CONSUMER.match(site.gpu.slug)
