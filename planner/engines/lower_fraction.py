"""A smaller share of the device for an engine that does not fit beside what others hold."""

from collections.abc import Sequence

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model

_MOST_STEPS = 10
"""Hundredths below the free share that are tried: context, graphs and warm-up lie outside the fraction."""


def lower_fraction(engine: Engine, model: Model, layout: Layout, sites: Sequence[Site]) -> tuple[Layout, Bill] | None:
    """Return the layout with the largest memory fraction, in hundredths, that fits, and its bill; None when none does.

    Only for an engine whose fraction is of the whole device (`takes_fraction_of_device`), which refuses to start
    where less than that is free: the others take theirs from what they find free.
    """
    if not getattr(engine, "takes_fraction_of_device", False):
        return None
    free = min(1 - site.used_bytes / site.gpu.memory_bytes for site in sites)
    most = int(100 * min(layout.memory_fraction, free) + 1e-9)
    for percent in range(most, max(most - _MOST_STEPS, 0), -1):
        lower = layout.model_copy(update={"memory_fraction": percent / 100})
        bill = engine.bill(model, lower, sites)
        if bill.fits:
            return lower, bill
    return None
