"""Memory outside PyTorch: the CUDA context and communicators, before and after the engine's first snapshot."""

from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import gib_bytes, terms
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.units import GIB

_SMALL_CARD = 30 * GIB
_SWITCHED = 8
"""Ranks of a whole Hopper node, whose communicators also use the multicast of the NVLink switch."""


def context_bytes(model: Model, layout: Layout, site: Site, rules: Rules) -> int:
    """Return what a rank holds before the engine looks at the free memory for the first time."""
    if site.free_bytes is not None:
        return site.gpu.memory_bytes - site.used_bytes - site.free_bytes
    fit, small = terms("context"), site.gpu.memory_bytes < _SMALL_CARD
    if site.gpu.unified_memory:
        return gib_bytes(fit["unified"])
    if layout.gpus == 1 or not rules.ranks_in_snapshot:
        return gib_bytes(fit["small_card" if small else "alone"])
    if not site.peer_access and layout.gpus_per_stage > 1:
        ranks = fit["small_ranks_no_peer" if small else "ranks_no_peer"]
        return gib_bytes(ranks + fit["rank_no_peer"] * layout.gpus)
    return gib_bytes(fit["expert_ranks" if model.experts and layout.gpus_per_stage > 1 else "ranks"])


def non_torch_bytes(layout: Layout, site: Site, rules: Rules, weights: int) -> int:
    """Return what grows outside PyTorch between the first snapshot and the end of the profiling run."""
    fit = terms("non_torch")[rules.non_torch]
    host = _host_bytes(weights) if site.gpu.unified_memory else 0
    column = wiring(layout, site)
    if column == "peer" and layout.pipeline_parallel_size == 1 and "peer_rank" in fit:
        return host + gib_bytes(fit["peer_rank"] * layout.tensor_parallel_size)
    return host + gib_bytes(fit.get(column, fit["peer"]))


def _host_bytes(weights: int) -> int:
    """What the processes of a rank hold in memory that host and GPU share; it grows with the weights they read."""
    fit = terms("context")
    return gib_bytes(fit["unified_host"]) + int(fit["unified_host_share"] * weights)


def wiring(layout: Layout, site: Site) -> str:
    """Return the column of the non-torch table: how the ranks of a stage are joined, or that there is one only."""
    if layout.tensor_parallel_size >= _SWITCHED and site.peer_access and site.gpu.architecture == "hopper":
        return "switched"
    if layout.gpus_per_stage > 1:
        return "peer" if site.peer_access else "no_peer"
    return "alone" if layout.pipeline_parallel_size == 1 else "stages"
