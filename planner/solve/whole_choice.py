"""A plan as a choice of one cover for each load, among many that cost little more than the cheapest one.

The relaxation of such a choice is as strong as the decomposition: what a cover costs beyond its load's best at the
prices of that relaxation tells which covers a plan near the bound is made of. Few are left, and CP-SAT, whose dives
follow the relaxation, finds such plans soon (chosen_covers.py). Several runs go at the same time from different seeds,
since one is often much sooner than another. Once the first of them comes to the target the others end; what they found
does not count then, so that the answer is the same on every machine.
"""

from collections.abc import Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import NamedTuple

import numpy as np

from planner.solve.chosen_covers import Chosen, CoverChooser, Run
from planner.solve.clock import Clock
from planner.solve.cover_pool import CoverPool, Covers
from planner.solve.covering_knapsack import Numbers
from planner.solve.decomposition import Decomposition
from planner.solve.mixture import Mixed, Mixture
from planner.solve.offered_mixture import offered_mixture
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


_RUNS = (_Way(40, 0, 1.0, from_before=False), _Way(20, 20, 0.25, from_before=True))
"""Searches that run at the same time: what one does not find the other one often does."""
_MORE = 20
"""Covers at random that are left beside where those of a run are proven to hold no plan near enough."""
_FIRST = 2
"""Covers of each load that are always left: where the runs start from."""
_PRICINGS = 12
"""How often the mixture of what was drawn is priced."""
_WORK = 0.4
"""What a run may spend.

Runs that come to the target mostly do so within it, and others are better begun anew among other covers.
"""


class WholeChoice:
    """Chooses covers of loads, and the other variables, but those `left_out`, over the `rows` that the loads share.

    A copy of each variable costs `costs`, at the prices of the bound.
    """

    def __init__(self, rows: SharedRows, left_out: Set[int], decomposition: Decomposition, costs: Numbers) -> None:
        others = [variable for variable in rows.others.tolist() if variable not in left_out]
        self._mixture = Mixture(rows, len(decomposition.blocks))
        for cover in decomposition.mixture.covers:
            self._mixture.add(cover)
        self._ways = [*_RUNS]
        self.pools = [
            CoverPool(block, rows, costs, decomposition.mixture.copies_of(number))
            for number, block in enumerate(decomposition.blocks)
        ]
        self.chooser = CoverChooser(rows, others, self.pools, decomposition.bound)
        self.drawn: list[Covers] = []
        self._mixed: Mixed | None = None

    def draw(self, before: Sequence[int], loss: float, seed: int) -> None:
        """Draw covers that lose at most so much; the choice is among them, and those of the values `before`, if any."""

        def draw(number: int) -> Covers:
            return self.pools[number].drawn(before, loss, np.random.default_rng((seed, number)))

        self.drawn = side_by_side(draw, len(self.pools))
        self._mixed = offered_mixture(self._mixture, self.pools, self.drawn, _PRICINGS)

    def anew(self, before: Sequence[int], target: float, clock: Clock, seed: int) -> list[tuple[int, ...]]:
        """Values of all variables, of the first run that comes to the `target`, else of each of the runs.

        Some start from the values `before`, where there are any.
        """
        dice = np.random.default_rng(seed)
        runs: list[Run] = []
        for number, way in enumerate(self._ways):
            covers = self._kept(way, target, dice)
            usual = 1 if before and not way.from_before else 0
            start = [min(usual, len(each.objective) - 1) for each in covers]
            runs.append(Run(covers, start, before if way.from_before else (), _WORK, seed + number))
        found = self._run(runs, target, clock)
        for number, one in enumerate(found):
            if one.hopeless:
                self._ways[number] = self._ways[number].wider()
        return _values(found)

    def _run(self, runs: Sequence[Run], target: float, clock: Clock) -> list[Chosen]:
        """What the runs come to, up to the first that comes to the target."""
        found, enough = list[Chosen](), Event()
        with ThreadPoolExecutor(len(runs)) as threads:
            for one in [threads.submit(self.chooser.chosen, run, target, clock, enough) for run in runs]:
                found.append(one.result())
                if found[-1].near:
                    enough.set()
                    break
        return found

    def _kept(self, way: _Way, target: float, dice: np.random.Generator) -> list[Covers]:
        """The covers of each load that are left; the first that were drawn are always among them."""
        assert self._mixed is not None  # covers were drawn
        kept = []
        for pool, covers in zip(self.pools, self.drawn, strict=True):
            apart = pool.apart(covers.only(range(_FIRST, len(covers.objective))), self._mixed.prices)
            costs = pool.at_prices(apart, self._mixed.prices)
            room = way.room * max(0.0, target - self._mixed.value)
            within = np.flatnonzero(costs <= costs[:1] + room)
            near, far = within[: way.cheapest], within[way.cheapest :]
            others = far[dice.permutation(len(far))[: way.others]]
            first = covers.only(range(min(_FIRST, len(covers.objective))))
            kept.append(first.beside(apart.only(np.sort(np.concatenate((near, others))))))
        return kept


def _values(found: Sequence[Chosen]) -> list[tuple[int, ...]]:
    """Of the last one alone if that came to the target."""
    counted = found[-1:] if found[-1].near else found
    return [one.values for one in counted if one.values is not None]
