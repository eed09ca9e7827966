"""Errors, quantiles and verdict counts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.backtest.score import accuracy, confusion, pairs, quantile


def test_accuracy_of_known_errors() -> None:
    found = accuracy([(110.0, 100.0), (95.0, 100.0), (100.0, 100.0)])
    assert found
    assert (found.n, found.median_ape, found.bias) == (3, pytest.approx(0.05), pytest.approx(0.05 / 3))
    assert found.p90_ape == pytest.approx(0.09)


@given(st.lists(st.floats(0, 1e6), min_size=1))
def test_quantiles_stay_between_the_ends(numbers: list[float]) -> None:
    ordered = sorted(numbers)
    assert ordered[0] <= quantile(ordered, 0.9) <= ordered[-1]
    assert quantile(ordered, 0) == ordered[0]
    assert quantile(ordered, 1) == ordered[-1]


def test_devices_are_paired_by_name_and_nonpositive_values_left_out() -> None:
    predicted = {"kv": {"CUDA0": 10.0, "CUDA1": 11.0, "CUDA2": 1.0}, "graph": 0.4, "tokens": 5.0}
    measured = {"kv": {"CUDA0": 10.0, "CUDA1": 0.0}, "graph": -0.4, "tokens": 4.0}
    assert pairs(predicted, measured) == {"kv": [(10.0, 10.0)], "tokens": [(5.0, 4.0)]}


def test_a_false_fit_is_what_we_said_fits() -> None:
    counts = confusion([(True, False), (True, True), (False, True), (False, False)])
    assert counts == {"true_fit": 1, "false_fit": 1, "true_unfit": 1, "false_unfit": 1}
