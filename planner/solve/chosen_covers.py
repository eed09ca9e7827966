"""One cover of each load, of those that are left to choose among, and the other variables: a run of CP-SAT.

It runs on one thread and ends after a count of work or at the target, so that it finds the same on every machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from planner.solve.clock import Clock
from planner.solve.cover_pool import CoverPool, Covers
from planner.solve.interruptible import interruptible
from planner.solve.shared_rows import SharedRows

_UNLIMITED = 10**9


class Chosen(NamedTuple):
    """The best values of all variables that a run came to, if any, and whether they are as near as was wanted."""

    values: tuple[int, ...] | None
    near: bool
    hopeless: bool
    """Whether the covers hold none as near."""


@dataclass(frozen=True)
class Run:
    """Covers of each load to choose among, the places of those to start from, and what may be spent.

    `others` are values of the other variables to start from, by variable. `work` is CP-SAT's own count: a unit takes
    about three seconds.
    """

    covers: Sequence[Covers]
    start: Sequence[int]
    others: Sequence[int]
    work: float
    seed: int


class CoverChooser:
    """Chooses covers of the `pools`, and the `others`, over the `rows` that loads share; none costs below `bound`."""

    def __init__(self, rows: SharedRows, others: Sequence[int], pools: Sequence[CoverPool], bound: float) -> None:
        self._rows, self._others, self._pools, self._bound = rows, others, pools, bound

    def chosen(self, run: Run, target: float, clock: Clock, enough: Event) -> Chosen:
        """What a run comes to, before it is `enough`."""
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        others = {v: model.new_int_var(0, int(min(self._rows.upper[v], _UNLIMITED)), "") for v in self._others}
        ones = [[model.new_bool_var("") for _ in covers.objective] for covers in run.covers]
        takes: list[tuple[list[Any], list[int]]] = [([], []) for _ in self._rows.most]
        goal: tuple[list[Any], list[int]] = ([], [])
        for variable, amount in others.items():
            _add(goal, amount, int(self._rows.objective[variable]))
            for row, count in self._rows.column(variable):
                _add(takes[row], amount, count)
        for pool, covers, any_of in zip(self._pools, run.covers, ones, strict=True):
            model.add_exactly_one(any_of)
            rows = pool.rows.tolist()
            for one, objective in zip(any_of, covers.objective.tolist(), strict=True):
                _add(goal, one, objective)
            for place, row in zip(*(found.tolist() for found in np.nonzero(covers.takes)), strict=True):
                _add(takes[rows[row]], any_of[place], int(covers.takes[place, row]))
        for (terms, counts), most in zip(takes, self._rows.most.tolist(), strict=True):
            if terms:
                model.add(cp_model.LinearExpr.weighted_sum(terms, counts) <= most)
        cost = cp_model.LinearExpr.weighted_sum(*goal)
        model.add(cost >= int(self._bound))
        model.minimize(cost)
        for variable, amount in others.items() if run.others else ():
            model.add_hint(amount, run.others[variable])
        for start, any_of in zip(run.start, ones, strict=True):
            for place, one in enumerate(any_of):
                model.add_hint(one, place == start)
        solver, solved = _solved(model, run, target, clock, enough)
        hopeless = solver.best_objective_bound > target
        if not solved:
            return Chosen(None, near=False, hopeless=hopeless)
        found = np.zeros(len(self._rows.objective), dtype=np.int64)
        for variable, amount in others.items():
            found[variable] = solver.value(amount)
        for pool, covers, any_of in zip(self._pools, run.covers, ones, strict=True):
            place = next(place for place, one in enumerate(any_of) if solver.boolean_value(one))
            found[pool.variables] = covers.copies[place]
        return Chosen(tuple(found.tolist()), solver.objective_value <= target, hopeless)


def _add(form: tuple[list[Any], list[int]], term: Any, count: int) -> None:
    if count:
        form[0].append(term)
        form[1].append(count)


def _solved(model: Any, run: Run, target: float, clock: Clock, enough: Event) -> tuple[Any, bool]:
    """The solver with the best values that it came to before it was `enough`, and whether it came to any."""
    from ortools.sat.python import cp_model

    class Near(cp_model.CpSolverSolutionCallback):
        """Ends the search at the target."""

        def on_solution_callback(self) -> None:
            if self.objective_value <= target:
                self.stop_search()

    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.linearization_level = 2
    solver.parameters.max_deterministic_time = run.work
    solver.parameters.random_seed = run.seed
    if clock.left.seconds is not None:
        solver.parameters.max_time_in_seconds = clock.left.seconds

    def stop() -> bool:
        solver.stop_search()
        return True

    def tick() -> None:
        if enough.is_set():
            solver.stop_search()

    status = interruptible(lambda: solver.solve(model, Near()), stop, clock.effort, tick)
    return solver, status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
