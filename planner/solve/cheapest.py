"""The best values of a problem's first objective and its ties, found in the way that suits its size."""

import time
from dataclasses import replace

from planner.solve.column_generation import generate, generates
from planner.solve.outcome import Effort, Outcome
from planner.solve.problem import Problem
from planner.solve.solution import solve

_ANY = Effort(gap=1e9)
"""The first plan found will do."""
_LEAST_SECONDS = 0.1


def cheapest(problem: Problem, effort: Effort) -> tuple[Problem, Outcome]:
    """Return the outcome, and the problem whose programme it belongs to: one of fewer layouts where they are very many.

    When the effort's seconds end before any plan was found, the first one found is taken.
    """
    started = time.perf_counter()
    if generates(problem):
        thin, outcome = generate(problem, effort)
        if outcome.values is None and outcome.bound > 0:
            outcome = replace(solve(thin.programme, problem.objective, _ANY), bound=outcome.bound, complete=False)
        if outcome.values is not None:
            return thin, outcome
    if problem.out_of_reach:
        return problem, Outcome(None, 0, 0, complete=True, solver="")
    programme = problem.programme
    left = None if effort.seconds is None else effort.seconds - (time.perf_counter() - started)
    seconds = None if left is None else max(_LEAST_SECONDS, left)
    outcome = solve(programme, problem.objective, replace(effort, seconds=seconds))
    if outcome.values is None and not outcome.complete:
        first = solve(programme, problem.objective, _ANY)
        outcome = replace(first, bound=max(first.bound, outcome.bound))
    return problem, outcome
