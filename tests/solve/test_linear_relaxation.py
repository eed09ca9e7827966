"""Relaxations of programmes whose costs are large."""

import pytest

from planner.solve.integer_programme import IntegerProgramme
from planner.solve.linear_relaxation import linear_relaxation


@pytest.mark.parametrize("unit", [1, 10**6, 10**12])
def test_a_value_and_its_prices_are_in_the_unit_of_the_costs(unit: int) -> None:
    rows = IntegerProgramme()
    one, other = rows.variable(), rows.variable()
    rows.at_least({one: 2, other: 3}, 9)
    rows.at_most({other: 1}, 1)
    found = linear_relaxation(rows, {one: 4 * unit, other: 3 * unit})
    assert found is not None and found.value == pytest.approx(15 * unit)
    assert found.duals[0] == pytest.approx(2 * unit)


def test_what_cannot_be_has_no_value() -> None:
    rows = IntegerProgramme()
    one = rows.variable(1)
    rows.at_least({one: 1}, 2)
    assert linear_relaxation(rows, {one: 10**12}) is None
