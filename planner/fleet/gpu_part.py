"""Parts of a GPU that are sold or handed out as devices: MIG slices and fractions."""

import re
from dataclasses import replace
from fractions import Fraction

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.mig import mig_profile, slice_of


def part_of(gpu: Gpu, part: str, *, where: str | None = None, field: str | None = None) -> Gpu:
    """Return `3g.40gb` or `1/6` of a GPU as a kind of its own; raises BadInput."""
    if match := re.fullmatch(r"(\d{1,3})/(\d{1,3})", part.strip()):
        share = Fraction(int(match[1]), int(match[2])) if int(match[2]) else Fraction(0)
        if not 0 < share < 1:
            raise BadInput(f"is {part!r}", where=where, field=field, expected="a share between 0 and 1, such as 1/6")
        return fraction_of(gpu, share)
    return slice_of(gpu, mig_profile(gpu, part, where=where, field=field))


def fraction_of(gpu: Gpu, share: Fraction) -> Gpu:
    """Return a fraction of a GPU, as clouds sell it (vGPU): that share of memory, bandwidth and compute.

    Compute is shared in time, so the share is what is left when the neighbours are busy. A fraction is
    linked to no other device.
    """
    part = f"{share.numerator}/{share.denominator}"
    return replace(
        gpu,
        slug=f"{gpu.slug}:{part}",
        name=f"{part} {gpu.name}",
        memory_gib=gpu.memory_gib * float(share),
        memory_basis="share of the whole GPU",
        memory_bandwidth_gbps=gpu.memory_bandwidth_gbps * float(share) if gpu.memory_bandwidth_gbps else None,
        dense_tflops={dtype: rate * float(share) for dtype, rate in gpu.dense_tflops.items()},
        link_kind=None,
        link_gbps=0.0,
        tdp_w=gpu.tdp_w * float(share) if gpu.tdp_w else None,
        memory_marketed_gb=None,
        memory_reported_mib=None,
        aliases=(),
        parent=gpu.slug,
        part=part,
    )
