"""Fit the error band of a bill line to what was logged, so that it covers what it claims on runs not yet seen.

A band is one standard deviation, `share` of the line plus `gib` (see `planner.engines.error_band`). It is made
just wide enough that at each confidence the right share of the residuals lies below the upper edge, counted as
split conformal prediction counts them (Vovk et al., Algorithmic Learning in a Random World, 2005; Lei et al., JASA
113, 2018): the ceil((n + 1) c)-th of n residuals, or the largest where n is too small for that.
"""

from collections.abc import Callable, Hashable, Sequence
from math import ceil

from planner.backtest.score import Pair
from planner.engines.error_band import deviations

CONFIDENCES = (0.8, 0.9, 0.95, 0.99)
_SHARES = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35, 0.5)


def fit_band(compared: Sequence[Pair], confidences: Sequence[float] = CONFIDENCES) -> dict[str, float]:
    """Return the narrowest band, on the average run, that covers the pairs (predicted, logged), both in GiB."""
    if not compared:
        return {}
    found = [(share, _least_gib(compared, share, confidences)) for share in _SHARES]
    mean = sum(predicted for predicted, _ in compared) / len(compared)
    share, gib = min(found, key=lambda band: (band[0] * mean + band[1], band[0]))
    return {"share": share, "gib": ceil(gib * 1000) / 1000}


def _least_gib(compared: Sequence[Pair], share: float, confidences: Sequence[float]) -> float:
    least = 0.0
    for confidence in confidences:
        wanted = sorted(
            (logged - predicted) / deviations(confidence) - share * predicted for predicted, logged in compared
        )
        least = max(least, wanted[min(len(wanted), ceil((len(wanted) + 1) * confidence)) - 1])
    return least


def covered(compared: Sequence[Pair], band: dict[str, float], confidence: float) -> float:
    """Return the share of the pairs whose logged value lies below the band's upper edge."""
    edges = (
        predicted + deviations(confidence) * (band["share"] * predicted + band["gib"]) for predicted, _ in compared
    )
    return sum(logged <= edge + 1e-9 for edge, (_, logged) in zip(edges, compared, strict=True)) / len(compared)


def cross_validated(compared: Sequence[Pair], group: Callable[[int], Hashable], confidence: float) -> tuple[float, int]:
    """Return how much bands cover of groups they were not fitted to, and the number of groups.

    `group` tells the group of the i-th pair (its model, its source): alike runs must not vouch for each other.
    """
    groups = dict.fromkeys(group(i) for i in range(len(compared)))
    inside = 0.0
    for left_out in groups:
        kept = [pair for i, pair in enumerate(compared) if group(i) != left_out]
        tried = [pair for i, pair in enumerate(compared) if group(i) == left_out]
        band = fit_band(kept) or {"share": 0.0, "gib": 0.0}
        inside += covered(tried, band, confidence) * len(tried)
    return inside / len(compared), len(groups)
