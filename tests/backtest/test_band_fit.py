"""Error bands fitted to runs: they cover runs that they have not seen."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.backtest.band_fit import covered, cross_validated, fit_band


def runs(dice: random.Random, number: int, skewed: bool = False) -> list[tuple[float, float]]:
    """Lines of 1 to 40 GiB whose error grows with them; skewed errors are long-tailed upwards."""
    made = []
    for _ in range(number):
        predicted = dice.uniform(1, 40)
        error = dice.expovariate(1) - 1 if skewed else dice.gauss(0, 1)
        made.append((predicted, predicted + error * (0.02 * predicted + 0.1)))
    return made


@pytest.mark.parametrize("skewed", [False, True])
@pytest.mark.parametrize("confidence", [0.9, 0.99])
def test_a_band_covers_unseen_runs_as_it_claims(skewed: bool, confidence: float) -> None:
    dice = random.Random(5)
    shares = [covered(runs(dice, 200, skewed), fit_band(runs(dice, 120, skewed)), confidence) for _ in range(40)]
    assert sum(shares) / len(shares) >= confidence - 0.005


def test_cross_validation_leaves_whole_groups_out() -> None:
    made = runs(random.Random(3), 150)
    share, groups = cross_validated(made, lambda i: i % 30, 0.99)
    assert groups == 30
    assert share >= 0.97


@given(st.lists(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100)), min_size=1, max_size=40))
@settings(deadline=None)
def test_a_band_covers_the_runs_that_made_it(compared: list[tuple[float, float]]) -> None:
    band = fit_band(compared)
    for confidence in (0.8, 0.9, 0.99):
        assert covered(compared, band, confidence) >= confidence - 1 / len(compared)


def test_exact_lines_need_no_band_and_no_runs_give_none() -> None:
    assert fit_band([(2.0, 2.0), (5.0, 5.0)]) == {"share": 0.0, "gib": 0.0}
    assert fit_band([]) == {}
