"""Loads covered anew by a choice among whole covers, around the other loads as they are.

The relaxation of such a choice is as strong as the decomposition, so that a small search tree finds plans near the
bound where copies of single layouts would be cut into fractions. Covers are those of the mixture and others near the
cheapest one, drawn anew each time.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.covering_knapsack import CheapestCover, Numbers
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.mixture import Copies, as_copies
from planner.solve.near_covers import near_covers
from planner.solve.shared_rows import SharedRows

_DRAWN = 500
"""Covers drawn for an open load, of which the choice is among some."""
_LOSS = 0.15
"""Part of the gap that a cover may lose."""
_NODES = 600
"""Nodes of SCIP's search tree."""
_PART = 0.1
"""Part of the gap within which a choice is the best one."""


class CoverChoice:
    """Chooses covers of loads, and the other variables, but those `left_out`, over the `rows` that the loads share.

    A copy of each variable costs `costs`; `losing` is what the `gap` leaves a plan to lose, in the same unit.
    """

    def __init__(
        self,
        rows: SharedRows,
        left_out: Set[int],
        decomposition: Decomposition,
        costs: Numbers,
        losing: float,
        gap: float,
    ) -> None:
        self._gap = gap
        self._rows, self._blocks = rows, decomposition.blocks
        self._others = [v for v in rows.others.tolist() if v not in left_out]
        self._costs, self._loss = costs, _LOSS * losing
        self._cheapest: dict[int, CheapestCover] = {}
        self._mixture = decomposition.mixture

    def values(
        self, opened: Iterable[int], settled: Terms, covers: int, clock: Clock, seed: int
    ) -> tuple[int, ...] | None:
        """Return the values of all variables with the `opened` loads covered around the settled ones."""
        dice = np.random.default_rng(seed)
        pools = [self._pool(number, covers, dice) for number in opened]
        choices = [*({v: 1} for v in self._others), *(dict(cover) for pool in pools for cover in pool)]
        programme = self._programme(pools, choices, settled)
        objective = {number: self._value(choice) for number, choice in enumerate(choices)}
        effort = replace(clock.left, gap=_PART * self._gap)
        found = mathopt_solver.minimise(programme, objective, effort, nodes=_NODES, cuts=False).values
        if found is None:
            return None
        whole = Adding(settled)
        for choice, times in zip(choices, found, strict=True):
            for variable, copies in choice.items() if times else ():
                whole.add(variable, copies * times)
        return tuple(whole.get(variable, 0) for variable in range(len(self._rows.objective)))

    def _programme(
        self, pools: Sequence[Sequence[Copies]], choices: Sequence[Mapping[int, int]], settled: Terms
    ) -> IntegerProgramme:
        """One cover of each pool, and the other variables, within what the settled loads leave of the rows."""
        programme = IntegerProgramme([self._most(v) for v in self._others] + [1] * sum(map(len, pools)))
        place = len(self._others)
        for pool in pools:
            one = dict.fromkeys(range(place, place + len(pool)), 1)
            programme.at_least(one, 1)
            programme.at_most(one, 1)
            place += len(pool)
        left = self._rows.most - self._taken(settled)
        for terms, most in zip(self._sums(choices), left.tolist(), strict=True):
            programme.at_most(terms, most)
        return programme

    def _pool(self, number: int, covers: int, dice: np.random.Generator) -> list[Copies]:
        """The covers of a load that are mixed, and some near the cheapest one."""
        block = self._blocks[number]
        variables, costs = block.variables, np.maximum(self._costs[block.variables], 1)
        if number not in self._cheapest:
            self._cheapest[number] = CheapestCover(block.need, block.carried, costs, rough=True)
        found = dict.fromkeys(self._mixture.copies_of(number))
        near = near_covers(self._cheapest[number], block.carried, costs, self._loss, _DRAWN, dice)
        for row in near[dice.permutation(len(near))[:covers]]:
            found[as_copies(variables, row)] = None
        return list(found)

    def _sums(self, choices: Iterable[Mapping[int, int]]) -> list[Adding]:
        """What each choice takes of each row."""
        sums = [Adding() for _ in self._rows.most]
        for number, choice in enumerate(choices):
            for variable, copies in choice.items():
                for row, count in self._rows.column(variable):
                    sums[row].add(number, count * copies)
        return sums

    def _taken(self, settled: Terms) -> Numbers:
        """What is taken of each row already."""
        return np.array([terms.get(0, 0) for terms in self._sums([settled])], dtype=np.int64)

    def _value(self, choice: Mapping[int, int]) -> int:
        return sum(int(self._rows.objective[variable]) * copies for variable, copies in choice.items())

    def _most(self, variable: int) -> int | None:
        top = self._rows.upper[variable]
        return None if np.isinf(top) else int(top)
