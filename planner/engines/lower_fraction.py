"""A smaller share of the device for an engine that does not start beside what others hold."""

from collections.abc import Sequence

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model

_FIRST_STEP = 4
"""Hundredths that are tried first: most engines lack a few."""


def lower_fraction(engine: Engine, model: Model, layout: Layout, sites: Sequence[Site]) -> tuple[Layout, Bill] | None:
    """Return the layout with the largest memory fraction, in hundredths, that fits, and its bill; None when none does.

    Only for an engine whose fraction is of the whole device (`takes_fraction_of_device`), which refuses to start
    where less than that is free: the others take theirs from what they find free. A smaller fraction starts sooner
    and holds less, so the largest that starts is looked for from above in growing steps, then between the last two.
    """
    if not getattr(engine, "takes_fraction_of_device", False):
        return None
    free = min(1 - site.used_bytes / site.gpu.memory_bytes for site in sites)
    found: tuple[Layout, Bill] | None = None
    low, high, step = 1, int(100 * min(layout.memory_fraction, free) + 1e-9), _FIRST_STEP
    while low <= high:
        percent = max(low, high - step + 1) if found is None else (low + high) // 2
        lower = layout.model_copy(update={"memory_fraction": percent / 100})
        bill = engine.bill(model, lower, sites)
        if bill.reasons and not bill.short_bytes:
            high, step = percent - 1, 2 * step
            continue
        low = percent + 1
        found = lower, bill
    return found if found and found[1].fits else None
