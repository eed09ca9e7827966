"""A plan as a choice of one cover for each load, among many that cost little more than the cheapest one.

The relaxation of such a choice is as strong as the decomposition: what a cover costs beyond its load's best at the
prices of that relaxation tells which covers a plan near the bound is made of. Few are left, and CP-SAT, whose dives
follow the relaxation, finds such plans soon. It runs on one thread and ends after a count of work or at the target, so
that it finds the same on every machine; several run at the same time from different seeds, since one is often much
sooner than another. Once the first of them comes to the target the others end; what they found does not count then.
"""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from planner.solve.clock import Clock
from planner.solve.cover_pool import CoverPool, Covers
from planner.solve.covering_knapsack import Numbers
from planner.solve.decomposition import Decomposition
from planner.solve.interruptible import interruptible
from planner.solve.mixture import Cover, Mixed, Mixture
from planner.solve.shared_rows import SharedRows
from planner.solve.side_by_side import side_by_side


class _Way(NamedTuple):
    """Covers of a load that are left to choose among: the `cheapest`, and `others` at random.

    None costs more than its load's best by more than `room`, a part of what the target leaves beyond the relaxation.
    """

    cheapest: int
    others: int
    room: float
    from_before: bool
    """Whether it starts from the plan before, if there is one; else it does so from covers that proved the bound."""

    def wider(self) -> "_Way":
        """With more covers at random, which may cost more."""
        return self._replace(others=self.others + _MORE, room=2 * self.room)


class _Found(NamedTuple):
    """The best values that a run came to, if any, and whether they are as near as was wanted."""

    values: tuple[int, ...] | None
    near: bool
    hopeless: bool
    """Whether its covers hold none as near."""


_RUNS = (_Way(40, 0, 1.0, from_before=False), _Way(20, 20, 0.25, from_before=True))
"""Searches that run at the same time: what one does not find the other one often does."""
_MORE = 20
"""Covers at random that are left beside where those of a run are proven to hold no plan near enough."""
_FIRST = 2
"""Covers of each load that are always left: where the runs start from."""
_TAKEN, _PRICINGS = 3, 12
"""Covers of a load that a mixture takes in at a time, and how often it is priced."""
_WORK = 0.8
"""What a search of CP-SAT may spend, in its own count of work: about three times as many seconds.

Runs that come to the target mostly do so within it, and others are better begun anew among other covers.
"""
_UNLIMITED = 10**9


class WholeChoice:
    """Chooses covers of loads, and the other variables, but those `left_out`, over the `rows` that the loads share.

    A copy of each variable costs `costs`, at the prices of the bound.
    """

    def __init__(self, rows: SharedRows, left_out: Set[int], decomposition: Decomposition, costs: Numbers) -> None:
        self._rows, self._bound = rows, decomposition.bound
        self._others = [variable for variable in rows.others.tolist() if variable not in left_out]
        self._mixture = Mixture(rows, len(decomposition.blocks))
        for cover in decomposition.mixture.covers:
            self._mixture.add(cover)
        self._ways = [*_RUNS]
        self._pools = [
            CoverPool(block, rows, costs, decomposition.mixture.copies_of(number))
            for number, block in enumerate(decomposition.blocks)
        ]

    def values(
        self, before: Sequence[int], target: float, loss: float, clock: Clock, seed: int
    ) -> list[tuple[int, ...]]:
        """Values of all variables, of the first run that comes to the `target`, else of each of the runs.

        They choose among covers that lose at most so much. They start from the values `before`, where there are any.
        """
        dice = np.random.default_rng(seed)
        drawn = self._drawn(before, loss, seed)
        mixed = self._mixed(drawn)
        found: list[tuple[int, ...]] = []
        with ThreadPoolExecutor(len(_RUNS)) as threads:
            enough, runs = Event(), []
            for number, way in enumerate(self._ways):
                kept = self._kept(drawn, mixed, way, target, dice)
                runs.append(threads.submit(self._found, kept, before, way, target, clock, seed + number, enough))
            for number, run in enumerate(runs):
                values, near, hopeless = run.result()
                if hopeless:
                    self._ways[number] = self._ways[number].wider()
                if near and values:
                    enough.set()
                    return [values]
                found += [values] if values else []
        return found

    def _drawn(self, before: Sequence[int], loss: float, seed: int) -> list[Covers]:
        """Covers of each load."""

        def draw(number: int) -> Covers:
            return self._pools[number].drawn(before, loss, np.random.default_rng((seed, number)))

        return side_by_side(draw, len(self._pools))

    def _mixed(self, drawn: Sequence[Covers]) -> Mixed:
        """The best mixture of all that was drawn, or nearly so."""
        for _ in range(_PRICINGS):
            mixed, taken = self._mixture.best(), False
            for number, (pool, covers) in enumerate(zip(self._pools, drawn, strict=True)):
                for place in np.argsort(pool.at_prices(covers, mixed.prices), kind="stable")[:_TAKEN].tolist():
                    taken |= self._mixture.add(Cover(number, pool.as_copies(covers, place)))
            if not taken:
                break
        return mixed

    def _kept(
        self, drawn: Sequence[Covers], mixed: Mixed, way: _Way, target: float, dice: np.random.Generator
    ) -> list[Covers]:
        """The covers of each load that are left; the first that were drawn are always among them."""
        kept = []
        for pool, covers in zip(self._pools, drawn, strict=True):
            costs = pool.at_prices(covers, mixed.prices)
            order = np.argsort(costs, kind="stable")
            order = order[costs[order] <= costs.min() + way.room * max(0.0, target - mixed.value)]
            near, far = order[: way.cheapest], order[way.cheapest :]
            others, first = far[dice.permutation(len(far))[: way.others]], range(min(_FIRST, len(costs)))
            kept.append(covers.only(sorted({*first, *near.tolist(), *others.tolist()})))
        return kept

    def _found(
        self,
        kept: Sequence[Covers],
        before: Sequence[int],
        way: _Way,
        target: float,
        clock: Clock,
        seed: int,
        enough: Event,
    ) -> _Found:
        """The best choice that a run of CP-SAT comes to, before it is `enough`."""
        from ortools.sat.python import cp_model

        model = cp_model.CpModel()
        others = {v: model.new_int_var(0, int(min(self._rows.upper[v], _UNLIMITED)), "") for v in self._others}
        chosen = [[model.new_bool_var("") for _ in covers.objective] for covers in kept]
        takes: list[tuple[list[Any], list[int]]] = [([], []) for _ in self._rows.most]
        goal: tuple[list[Any], list[int]] = ([], [])
        for variable, amount in others.items():
            _add(goal, amount, int(self._rows.objective[variable]))
            for row, count in self._rows.column(variable):
                _add(takes[row], amount, count)
        for pool, covers, ones in zip(self._pools, kept, chosen, strict=True):
            model.add_exactly_one(ones)
            rows = pool.rows.tolist()
            for one, objective in zip(ones, covers.objective.tolist(), strict=True):
                _add(goal, one, objective)
            for place, row in zip(*(found.tolist() for found in np.nonzero(covers.takes)), strict=True):
                _add(takes[rows[row]], ones[place], int(covers.takes[place, row]))
        for (terms, counts), most in zip(takes, self._rows.most.tolist(), strict=True):
            if terms:
                model.add(cp_model.LinearExpr.weighted_sum(terms, counts) <= most)
        cost = cp_model.LinearExpr.weighted_sum(*goal)
        model.add(cost >= int(self._bound))
        model.minimize(cost)
        from_before = bool(before) and way.from_before
        for variable, amount in others.items() if from_before else ():
            model.add_hint(amount, before[variable])
        for ones in chosen:
            hinted = 1 if before and not from_before and len(ones) > 1 else 0
            for place, one in enumerate(ones):
                model.add_hint(one, place == hinted)
        solver, solved = _solved(model, target, clock, seed, enough)
        hopeless = solver.best_objective_bound > target
        if not solved:
            return _Found(None, near=False, hopeless=hopeless)
        found = np.zeros(len(self._rows.objective), dtype=np.int64)
        for variable, amount in others.items():
            found[variable] = solver.value(amount)
        for pool, covers, ones in zip(self._pools, kept, chosen, strict=True):
            place = next(place for place, one in enumerate(ones) if solver.boolean_value(one))
            found[pool.variables] = covers.copies[place]
        return _Found(tuple(found.tolist()), solver.objective_value <= target, hopeless)


def _add(form: tuple[list[Any], list[int]], term: Any, count: int) -> None:
    if count:
        form[0].append(term)
        form[1].append(count)


def _solved(model: Any, target: float, clock: Clock, seed: int, enough: Event) -> tuple[Any, bool]:
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
    solver.parameters.max_deterministic_time = _WORK
    solver.parameters.random_seed = seed
    if clock.left.seconds is not None:
        solver.parameters.max_time_in_seconds = clock.left.seconds

    def stop() -> bool:
        solver.stop_search()
        return True

    solver.best_bound_callback = lambda bound: solver.stop_search() if bound > target else None

    def tick() -> None:
        if enough.is_set():
            solver.stop_search()

    status = interruptible(lambda: solver.solve(model, Near()), stop, clock.effort, tick)
    return solver, status in (cp_model.OPTIMAL, cp_model.FEASIBLE)
