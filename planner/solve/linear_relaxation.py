"""The linear relaxation of a programme, by GLOP: its value and the prices of its rows."""

from dataclasses import dataclass

import numpy as np

from planner.solve.covering_knapsack import Floats
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.mathopt_model import mathopt_model


@dataclass(frozen=True)
class Relaxed:
    """The value, and for each row by how much it falls when the row's right side grows by one."""

    value: float
    duals: Floats


def linear_relaxation(programme: IntegerProgramme, objective: Terms) -> Relaxed | None:
    """Minimise over fractions; None where there is no solution."""
    from ortools.math_opt.python import mathopt

    model, _, rows = mathopt_model(programme, objective, whole=False)
    result = mathopt.solve(model, mathopt.SolverType.GLOP)
    if not result.has_primal_feasible_solution():
        return None
    duals = result.dual_values()
    return Relaxed(result.objective_value(), np.array([duals[row] for row in rows]))
