"""What a plan says of GPUs that several replicas share."""

from collections.abc import Sequence

from planner.fleet.share import PARTS, percent_of
from planner.solve.placement import Placed
from planner.units import count

SHARED = [
    "shared GPUs: every replica stays within its share of the memory; its speed is counted with that share of the"
    " bandwidth and the compute, as when neighbours are busy and CUDA MPS holds each to its share"
    " (CUDA_MPS_ACTIVE_THREAD_PERCENTAGE); without MPS they take turns, all of them equally long",
    "engines that share a GPU are started one after the other: each measures the free memory while it starts",
]
_NAMED = 4


def shared_gpus(placed: Sequence[Placed]) -> list[str]:
    """Return a line for each shared GPU: who has which part of it."""
    found: dict[str, list[Placed]] = {}
    for replica in placed:
        if replica.shape.parts:
            found.setdefault(replica.devices[0], []).append(replica)
    lines = []
    for device, replicas in list(found.items())[:_NAMED]:
        shares = ", ".join(f"{r.shape.variant.model.name} {percent_of(r.shape.parts)} %" for r in replicas)
        free = percent_of(PARTS - sum(replica.shape.parts for replica in replicas))
        lines.append(f"{device} is shared: {shares}" + (f"; {free} % is left" if free else ""))
    more = len(found) - _NAMED
    return [*lines, f"{count(more, 'GPU')} more are shared"] if more > 0 else lines
