"""Error bands: how far a line of the bill may lie above what was expected."""

from collections.abc import Mapping
from functools import cache
from statistics import NormalDist

from planner.units import GIB


@cache
def deviations(confidence: float) -> float:
    """Standard deviations that a normal error exceeds with probability 1 - `confidence`."""
    return NormalDist().inv_cdf(confidence)


def upper_edge(expected: int, band: Mapping[str, float], confidence: float) -> int:
    """Upper edge of a line in bytes; `band` holds one standard deviation: a `share` of it and a fixed `gib`."""
    spread = band.get("share", 0.0) * expected + band.get("gib", 0.0) * GIB
    return expected + int(max(0.0, deviations(confidence)) * spread)
