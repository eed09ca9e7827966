"""What an hour costs, as a month and as a million output tokens."""

from planner.request import Request
from planner.speed.traffic import traffic

HOURS_A_MONTH = 730


def a_month(cost: float | None) -> float | None:
    """USD a month of 730 hours for USD an hour."""
    return None if cost is None else round(cost * HOURS_A_MONTH, 2)


def a_million_tokens(request: Request, cost: float | None) -> float | None:
    """USD for a million output tokens at the load that was asked for; None unless every model has a rate."""
    rates = []
    for wanted in request.models:
        load = wanted.workload
        if load.tokens_per_second is not None:
            rates.append(load.tokens_per_second)
        elif load.requests_per_second is not None:
            rates.append(load.requests_per_second * traffic(load).output)
    if cost is None or len(rates) < len(request.models):
        return None
    return float(f"{cost / (sum(rates) * 3600 / 10**6):.4g}")
