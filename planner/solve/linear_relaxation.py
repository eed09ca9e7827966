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
    """Minimise over fractions; None where there is no solution.

    Costs in millionths of a dollar are sometimes too large for GLOP to be sure of an optimum: then in their largest.
    """
    from ortools.math_opt.python import mathopt

    for unit in (1.0, float(max(map(abs, objective.values()), default=1)) or 1.0):
        scaled = {variable: amount / unit for variable, amount in objective.items()}
        model, variables, rows = mathopt_model(programme, scaled, whole=False)
        result = mathopt.solve(model, mathopt.SolverType.GLOP)
        if result.has_primal_feasible_solution():
            amounts, duals = result.variable_values(), result.dual_values()
            return Relaxed(
                result.objective_value() * unit,
                np.array([amounts[variable] for variable in variables]),
                np.array([duals[row] * unit for row in rows]),
            )
        if result.termination.reason != mathopt.TerminationReason.IMPRECISE:
            break
    return None
