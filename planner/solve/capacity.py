"""What one replica of a shape carries, in whole numbers that round down; what a load needs rounds up."""

from collections.abc import Sequence
from math import ceil, floor

from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.speed.predict import carried
from planner.speed.traffic import traffic
from planner.workload import Workload

Capacity = dict[str, int]
"""`sequences` held at once, `requests` and `tokens` in thousandths a second."""

MILLI = 1000
ENDLESS = 10**9
"""More sequences, or steps of a rate, than anything carries."""
LEAST_RATE = 1 / MILLI
"""The least that can be asked for a second. No rate at all would ask for something else: see `capacity`."""
_ROUNDING = 1 - 1e-3
"""Share of a predicted rate that is counted on: the searches behind it end within a thousandth."""


def needs(workload: Workload) -> Capacity:
    """Return what a load asks of all replicas together."""
    found = {"sequences": workload.concurrency}
    if workload.requests_per_second is not None:
        found["requests"] = ceil(workload.requests_per_second * MILLI)
    if workload.tokens_per_second is not None:
        found["tokens"] = ceil(workload.tokens_per_second * MILLI)
    return found


def arrives(workload: Workload) -> bool:
    """Whether a rate is asked for: the sequences in flight then follow from it."""
    return workload.requests_per_second is not None or workload.tokens_per_second is not None


def unmeasured(workload: Workload) -> Workload:
    """Return a load that asks for the same things, of which no amount changes what a replica carries."""
    if not arrives(workload):
        return workload
    rates = ("requests_per_second", "tokens_per_second")
    ones = {rate: 1.0 for rate in rates if getattr(workload, rate) is not None}
    return workload.model_copy(update={"concurrency": 1, **ones})


def endless(workload: Workload) -> Workload:
    """Return the load with more sequences at once than any replica runs, where it has no rate."""
    return workload if arrives(workload) else workload.model_copy(update={"concurrency": ENDLESS})


def needs_speed(workload: Workload) -> bool:
    """Whether memory alone cannot tell if the load is carried."""
    return arrives(workload) or workload.has_targets


def held_sequences(layout: Layout, bill: Bill) -> int:
    """Sequences of the longest length that a replica holds at once, by its memory and its own limit."""
    return min(bill.sequences, layout.max_num_seqs * layout.data_parallel_size)


def capacity(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, workload: Workload, bill: Bill
) -> Capacity:
    """Return what a replica carries of each thing that `needs` asks for, within the targets.

    Under a rate the sequences in flight follow from it, and only memory bounds how many are held; without
    one `concurrency` requests are always in flight, and the targets bound them too.
    """
    held = held_sequences(layout, bill)
    if not needs_speed(workload):
        return {"sequences": held}
    try:
        rate, in_flight = carried(model, layout, sites, engine, workload)
    except BadInput:
        return dict.fromkeys(needs(workload), 0)
    found = {"sequences": held}
    if not arrives(workload):
        found["sequences"] = min(held, int(in_flight))
    if workload.requests_per_second is not None:
        found["requests"] = floor(rate * _ROUNDING * MILLI)
    if workload.tokens_per_second is not None:
        found["tokens"] = floor(rate * traffic(workload).output * _ROUNDING * MILLI)
    return found
