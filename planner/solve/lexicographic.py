"""Minimise several objectives in turn, and keep the proof of the first."""

from collections.abc import Iterable
from dataclasses import replace
from time import perf_counter

from planner.solve import cp_sat_solver, mathopt_solver
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.outcome import Effort, Outcome, SolverName


def minimise_in_turn(
    programme: IntegerProgramme, objectives: Iterable[Terms], effort: Effort, solver: SolverName = "scip"
) -> Outcome:
    """Minimise each objective among the solutions that are best for those before it.

    The outcome's value, bound and completeness are those of the first; later ones only break ties, and
    when the effort ends among them the best values so far stand.
    """
    started, rows = perf_counter(), programme.copy()
    first: Outcome | None = None
    values: tuple[int, ...] | None = None
    for objective in objectives:
        left = None if effort.seconds is None else effort.seconds - (perf_counter() - started)
        if first is not None and (effort.interrupted.is_set() or (left is not None and left <= 0)):
            break
        watch = effort.watch if first is None else None
        outcome = minimise(rows, objective, replace(effort, seconds=left, watch=watch), solver)
        if outcome.values is None:
            break
        first, values = first or outcome, outcome.values
        rows.at_most(objective, outcome.value)
    if first is None:
        return outcome
    return replace(first, values=values)


def minimise(programme: IntegerProgramme, objective: Terms, effort: Effort, solver: SolverName = "scip") -> Outcome:
    """Minimise one objective with the solver of that name."""
    if solver == "cp-sat":
        return cp_sat_solver.minimise(programme, objective, effort)
    return mathopt_solver.minimise(programme, objective, effort, solver)


def feasible(programme: IntegerProgramme, effort: Effort) -> bool:
    """Whether any values keep the rows."""
    return minimise(programme, {}, effort).values is not None
