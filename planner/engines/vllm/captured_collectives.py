"""What NCCL holds for the sums across ranks that were captured in CUDA graphs.

Where its own all-reduce cannot run (planner/engines/own_all_reduce.py), vLLM captures NCCL's, whose buffers and nodes
stay with the graphs. Pull request 2192, which introduced it, has the memory of four layouts with and without it. From
the driver of CUDA 12.4 on (driver.py) they take less, and no more where more ranks sum.
"""

from planner.engines.own_all_reduce import SUMS_A_LAYER, sums_by_own_kernel
from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.driver import has_compact_graphs
from planner.engines.vllm.release import Rules
from planner.engines.vllm.terms import terms
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.units import MIB

MEASURED_RANKS = 4
"""Ranks up to which the memory of captured sums was measured."""


def captured_collectives(model: Model, layout: Layout, stage: int, site: Site, rules: Rules) -> int:
    """Return the bytes on a rank of a stage; 0 where vLLM's own all-reduce runs, and within nodes from NCCL 2.26 on.

    Between nodes NCCL still keeps as much: two DGX Spark, a GPU each, lose 5.11 GiB to graphs of MiniMax-M2.7 (0.29.1),
    2.44 of them for 125 sums in 86 graphs.
    """
    ranks = layout.tensor_parallel_size
    if ranks == 1:
        return 0
    if not site.gpu.unified_memory and (rules.captured_nccl == "light" or _own_all_reduce(layout, site, rules)):
        return 0
    first, last = layout.stage_layers(stage)
    sums = SUMS_A_LAYER * (last - first + 1) + (stage == 0)
    return int(sums * captured(model, layout, rules).graphs * _sum_mib(ranks, layout) * MIB)


def _sum_mib(ranks: int, layout: Layout) -> float:
    """MiB that a sum keeps in a graph."""
    fit = terms("graphs")
    if has_compact_graphs(layout.options):
        return float(fit["compact_sum_mib"])
    return float(ranks * fit["captured_sum_mib" if ranks <= MEASURED_RANKS else "captured_sum_of_many_mib"])


def _own_all_reduce(layout: Layout, site: Site, rules: Rules) -> bool:
    if rules.captured_nccl == "alone" or layout.options.get("disable_custom_all_reduce"):
        return False
    return sums_by_own_kernel(layout.tensor_parallel_size, site)
