"""The linear relaxation of a programme, by GLOP: its value and the prices of its rows."""

from dataclasses import dataclass
from math import inf

import numpy as np

from planner.solve.covering_knapsack import Floats
from planner.solve.integer_programme import IntegerProgramme, Terms


@dataclass(frozen=True)
class Relaxed:
    """The value, and for each row by how much it falls when the row's right side grows by one."""

    value: float
    duals: Floats


def linear_relaxation(programme: IntegerProgramme, objective: Terms) -> Relaxed | None:
    """Minimise over fractions; None where there is no solution."""
    from ortools.math_opt.python import mathopt

    model = mathopt.Model()
    variables = [model.add_variable(lb=0.0, ub=inf if top is None else top) for top in programme.upper]
    rows = []
    for row in programme.rows:
        low, high = (-inf if row.low is None else row.low), (inf if row.high is None else row.high)
        form = mathopt.fast_sum(coefficient * variables[variable] for variable, coefficient in row.terms)
        rows.append(model.add_linear_constraint(lb=low, ub=high, expr=form))
    model.minimize(mathopt.fast_sum(coefficient * variables[variable] for variable, coefficient in objective.items()))
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if not result.has_primal_feasible_solution():
        return None
    duals = result.dual_values()
    return Relaxed(result.objective_value(), np.array([duals[row] for row in rows]))
