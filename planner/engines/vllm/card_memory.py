"""Memory outside PyTorch: the CUDA context and communicators, before and after the engine's first snapshot."""

from planner.engines.vllm.fused_sums import fused_sums_bytes
from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import gib_bytes, terms
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.units import GIB

_SMALL_CARD = 30 * GIB
_SWITCHED = 8
"""Ranks of a whole Hopper node, whose communicators also use the multicast of the NVLink switch."""

_NVLS = (9, 0)
"""Compute capability from which NCCL sums within the switch, with buffers of its own for that (NVLink SHARP)."""


def context_bytes(model: Model, layout: Layout, site: Site, rules: Rules) -> int:
    """Return what a rank holds before the engine looks at the free memory for the first time."""
    if site.free_bytes is not None:
        return site.gpu.memory_bytes - site.used_bytes - site.free_bytes
    if site.gpu.unified_memory:
        return gib_bytes(terms("context")["unified"])
    if layout.gpus == 1 or not rules.ranks_in_snapshot:
        return gib_bytes(_alone(site))
    return gib_bytes(_with_ranks(layout, site, rules, of_experts=model.experts > 0))


def held_by_ranks(model: Model, layout: Layout, site: Site, rules: Rules) -> tuple[int, float]:
    """Return what of a rank's memory may depend on how many stages there are beside its own."""
    return context_bytes(model, layout, site, rules), later_communicators(model, layout, site, rules)


def _alone(site: Site) -> float:
    """GiB of the CUDA context."""
    return float(terms("context")["small_card" if _small(site) else "alone"])


def _with_ranks(layout: Layout, site: Site, rules: Rules, *, of_experts: bool) -> float:
    """GiB of the CUDA context and of the communicators of several GPUs, where experts have one `of_experts` too.

    What Ampere and older hold was measured with NCCL of 2024 and later; the table of v0 has what 0.2.7 held.
    """
    fit = terms("context")
    if not site.peer_access:
        ranks = fit["small_ranks_no_peer" if _small(site) else "ranks_no_peer"]
        return float(ranks + fit["rank_no_peer"] * layout.gpus)
    more = of_experts and layout.gpus_per_stage > 1
    if (0, 0) < site.gpu.capability < _NVLS and rules.generation == "v1":
        return _alone(site) + float(fit["rank_without_nvls"]) * layout.gpus * (1 + more)
    return float(fit["expert_ranks" if more else "ranks"])


def _small(site: Site) -> bool:
    return site.gpu.memory_bytes < _SMALL_CARD


def non_torch_bytes(model: Model, layout: Layout, site: Site, rules: Rules, weights: int) -> int:
    """Return what grows outside PyTorch between the first snapshot and the end of the profiling run.

    Communicators that come after the snapshot are part of it; what the table has of them for v0 was measured that way,
    but where all that is on the card counts the sum is (0.2.5: pull request 2031; v092). Experts had one of their own
    then only where they were shared out (1.38 GiB of Qwen3-Next on two H200, 0.10.2; 2.1 of v097 and v098).
    """
    fit = terms("non_torch")[rules.non_torch]
    host = _host_bytes(weights, layout) if site.gpu.unified_memory else 0
    column = wiring(layout, site)
    found = fit.get(column, fit["peer"])
    if column == "peer" and layout.pipeline_parallel_size == 1 and "peer_rank" in fit:
        found = fit["peer_rank"] * layout.tensor_parallel_size
    fused = fused_sums_bytes(model, layout, site, rules)
    return host + fused + gib_bytes(found + later_communicators(model, layout, site, rules))


def later_communicators(model: Model, layout: Layout, site: Site, rules: Rules) -> float:
    """Return the GiB of communicators that come after the snapshot and that the table does not have."""
    counted = rules.non_torch == "v1" or rules.whole_card
    if not counted or rules.ranks_in_snapshot or not site.peer_access or layout.gpus == 1:
        return 0.0
    of_experts = model.experts > 0 if rules.whole_card else layout.expert_parallel
    return _with_ranks(layout, site, rules, of_experts=of_experts) - _alone(site)


def _host_bytes(weights: int, layout: Layout) -> int:
    """What the processes of a rank hold in memory that host and GPU share; it grows with the weights they read."""
    fit = terms("context")
    fixed = fit["unified_host"] + (fit["unified_ranks"] if layout.gpus > 1 else 0.0)
    return gib_bytes(fixed) + int(fit["unified_host_share"] * weights)


def wiring(layout: Layout, site: Site) -> str:
    """Return the column of the non-torch table: how the ranks of a stage are joined, or that there is one only."""
    if layout.tensor_parallel_size >= _SWITCHED and site.peer_access and site.gpu.silicon.is_hopper:
        return "switched"
    if layout.gpus_per_stage > 1:
        return "peer" if site.peer_access else "no_peer"
    return "alone" if layout.pipeline_parallel_size == 1 else "stages"
