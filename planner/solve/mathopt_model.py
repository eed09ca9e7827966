"""A programme as a MathOpt model: whole or, for its linear relaxation, in fractions."""

from collections.abc import Collection, Mapping
from math import inf
from typing import Any, NamedTuple

from planner.solve.integer_programme import IntegerProgramme, Row

TOLERANCE = 1e-6
"""The solvers keep rows to this share of their right-hand side."""


class MathoptModel(NamedTuple):
    """The model, with its variables and rows in the order of the programme's."""

    model: Any
    variables: list[Any]
    rows: list[Any]


def mathopt_model(
    programme: IntegerProgramme, objective: Mapping[int, float], *, whole: bool, tight: Collection[int] = ()
) -> MathoptModel:
    """Write the programme down; the rows with these numbers are asked for tighter by the solvers' tolerance."""
    from ortools.math_opt.python import mathopt

    model = mathopt.Model()
    variables = [model.add_variable(lb=0, ub=inf if top is None else top, is_integer=whole) for top in programme.upper]
    rows = []
    for number, row in enumerate(programme.rows):
        low, high = _sides(row, number in tight)
        form = mathopt.fast_sum(coefficient * variables[variable] for variable, coefficient in row.terms)
        rows.append(model.add_linear_constraint(lb=low, ub=high, expr=form))
    model.minimize(mathopt.fast_sum(coefficient * variables[variable] for variable, coefficient in objective.items()))
    return MathoptModel(model, variables, rows)


def _sides(row: Row, tight: bool) -> tuple[float, float]:
    low, high = (-inf if row.low is None else row.low), (inf if row.high is None else row.high)
    if tight:
        low += abs(low) * 2 * TOLERANCE if low != -inf else 0
        high -= abs(high) * 2 * TOLERANCE if high != inf else 0
    return low, high
