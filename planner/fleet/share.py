"""Shares of a GPU: a replica on a part of one device, beside others of which each has a part of its own."""

from dataclasses import replace

from planner.fleet.gpu import Gpu
from planner.fleet.site import Site
from planner.units import ceil_div

PARTS = 20
"""A GPU is shared out in twentieths."""


def percent_of(parts: int) -> int | None:
    """Percent of a GPU that so many parts are; None for one that is not shared."""
    return parts * 100 // PARTS if parts else None


def parts_of(percent: int | None) -> int:
    """Parts of a GPU that so many percent fill, rounded up; 0 for one that is not shared."""
    return ceil_div(percent * PARTS, 100) if percent else 0


def share_bytes(gpu: Gpu, parts: int) -> int:
    """Memory of so many parts of a GPU."""
    return gpu.memory_bytes * parts // PARTS


def free_parts(gpu: Gpu, used_bytes: int) -> int:
    """Whole parts of a GPU on which others already hold so many bytes."""
    return (gpu.memory_bytes - used_bytes) * PARTS // gpu.memory_bytes


def in_share(site: Site, parts: int) -> Site:
    """Return the site of a replica on so many parts of its GPU: all other memory counts as held by its neighbours."""
    others = site.gpu.memory_bytes - share_bytes(site.gpu, parts)
    return replace(site, used_bytes=max(site.used_bytes, others), share=parts / PARTS)


def in_time(site: Site) -> Site:
    """Return the site as speed sees it: bandwidth and compute are shared as the memory is."""
    if site.share == 1:
        return site
    gpu, share = site.gpu, site.share
    bandwidth = gpu.memory_bandwidth_gbps
    slower = replace(
        gpu,
        memory_bandwidth_gbps=bandwidth * share if bandwidth else None,
        dense_tflops={dtype: rate * share for dtype, rate in gpu.dense_tflops.items()},
    )
    return replace(site, gpu=slower)
