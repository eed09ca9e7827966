"""CP-SAT, exact in whole numbers: the second opinion on the covering programmes."""

from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.outcome import Effort, Outcome

NAME = "CP-SAT"
_LARGEST = 10**9
_WORKERS = 8
"""With fewer workers CP-SAT leaves out the sub-solvers that use the linear relaxation, and proves next to nothing."""


def minimise(programme: IntegerProgramme, objective: Terms, effort: Effort) -> Outcome:
    """Minimise the objective exactly; variables without a limit run to 10^9."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    variables = [
        model.new_int_var(0, _LARGEST if top is None else top, f"v{number}")
        for number, top in enumerate(programme.upper)
    ]
    for row in programme.rows:
        form = sum(coefficient * variables[variable] for variable, coefficient in row.terms)
        if row.low is not None:
            model.add(form >= row.low)
        if row.high is not None:
            model.add(form <= row.high)
    model.minimize(sum(coefficient * variables[variable] for variable, coefficient in objective.items()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = _WORKERS
    solver.parameters.interleave_search = True
    solver.parameters.random_seed = 1
    solver.parameters.relative_gap_limit = effort.gap
    if effort.seconds is not None:
        solver.parameters.max_time_in_seconds = effort.seconds
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return Outcome(None, 0, 0, status == cp_model.INFEASIBLE, NAME)
    values = tuple(solver.value(variable) for variable in variables)
    value = evaluate(objective, values)
    bound = min(value, round(solver.best_objective_bound))
    return Outcome(values, value, bound, value - bound <= effort.gap * abs(value), NAME)
