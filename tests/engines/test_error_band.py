"""Error bands: the upper edge of a line covers what its confidence claims."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.engines.error_band import upper_edge
from planner.units import GIB


@given(
    expected=st.integers(0, 10**12),
    share=st.floats(0, 0.5),
    gib=st.floats(0, 4),
    low=st.floats(0.5, 0.999),
    high=st.floats(0.5, 0.999),
)
def test_more_confidence_never_lowers_the_edge(
    expected: int, share: float, gib: float, low: float, high: float
) -> None:
    band = {"share": share, "gib": gib}
    low, high = sorted((low, high))
    assert expected <= upper_edge(expected, band, low) <= upper_edge(expected, band, high)


def test_an_exact_line_has_no_band() -> None:
    assert upper_edge(GIB, {}, 0.99) == GIB


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_coverage_of_normal_errors(confidence: float) -> None:
    dice = random.Random(7)
    band = {"share": 0.05, "gib": 0.1}
    edge = upper_edge(4 * GIB, band, confidence)
    logged = [dice.gauss(4 * GIB, 0.3 * GIB) for _ in range(20_000)]
    assert sum(size <= edge for size in logged) / len(logged) == pytest.approx(confidence, abs=0.01)
