"""The linear relaxation of a programme, by GLOP: its value and the prices of its rows."""

from dataclasses import dataclass

import numpy as np

from planner.solve.covering_knapsack import Floats
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.mathopt_model import mathopt_model


@dataclass(frozen=True)
class Relaxed:
    """The value, the `amounts` of all variables, and how far the value falls as a row's right side grows by one."""

    value: float
    amounts: Floats
    duals: Floats


def linear_relaxation(programme: IntegerProgramme, objective: Terms) -> Relaxed | None:
    """Minimise over fractions; None where there is no solution."""
    from ortools.math_opt.python import mathopt

    model, variables, rows = mathopt_model(programme, objective, whole=False)
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if not result.has_primal_feasible_solution():
        return None
    amounts, duals = result.variable_values(), result.dual_values()
    return Relaxed(
        result.objective_value(),
        np.array([amounts[variable] for variable in variables]),
        np.array([duals[row] for row in rows]),
    )
