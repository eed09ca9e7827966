"""The rows of a programme that several loads share, each as a sum of at most so much, with a price on it."""

from collections.abc import Sequence
from copy import copy
from functools import cached_property

import numpy as np

from planner.solve.covering_knapsack import Floats, Numbers
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.load_block import LoadBlock


class SharedRows:
    """All rows but the loads' own, and but those that ask replicas of a load for more than that load.

    What is left out only makes the relaxation looser. `most` is the right side of each row, `others` are the variables
    in no block.
    """

    def __init__(self, programme: IntegerProgramme, objective: Terms, blocks: Sequence[LoadBlock]) -> None:
        size = len(programme.upper)
        covered = np.zeros(size, dtype=bool)
        for block in blocks:
            covered[block.variables] = True
        loads = {block.row for block in blocks}
        terms: list[tuple[int, int, int]] = []
        most: list[int] = []
        self._sources: list[int] = []
        self._signs: list[int] = []
        for number, row in enumerate(programme.rows):
            for side, sign in ((row.high, 1), (row.low, -1)):
                wanted = side is not None and number not in loads
                if wanted and not any(sign * count < 0 and covered[variable] for variable, count in row.terms):
                    terms += [(len(most), variable, sign * count) for variable, count in row.terms]
                    most.append(sign * (side or 0))
                    self._sources.append(number)
                    self._signs.append(sign)
        terms.sort(key=lambda term: term[1])
        self.most = np.array(most, dtype=np.int64)
        self.others = np.flatnonzero(~covered)
        self.upper = np.array([np.inf if top is None else top for top in programme.upper])
        self.objective = np.zeros(size, dtype=np.int64)
        for variable, coefficient in objective.items():
            self.objective[variable] = coefficient
        self._rows, self._variables, self._counts = np.array(terms, dtype=np.int64).reshape(-1, 3).T
        self._starts = np.searchsorted(self._variables, np.arange(size + 1))

    def without(self, taken: Numbers) -> "SharedRows":
        """Return what is left of the rows where so much of each is taken."""
        left = copy(self)
        left.most = self.most - taken
        return left

    def prices(self, duals: Floats) -> Floats:
        """Return the prices of these rows from the duals of all rows of the programme."""
        found: Floats = np.maximum(0.0, -np.array(self._signs) * duals[self._sources])
        return found

    def column(self, variable: int) -> list[tuple[int, int]]:
        """Rows that a variable stands in, with its coefficients."""
        mine = slice(self._starts[variable], self._starts[variable + 1])
        return list(zip(self._rows[mine].tolist(), self._counts[mine].tolist(), strict=True))

    def costs(self, prices: Numbers, scale: int) -> Numbers:
        """What a unit of each variable costs, `scale` times, when it also pays for the rows: exact in whole numbers."""
        paid = np.zeros(len(self.objective), dtype=np.int64)
        np.add.at(paid, self._variables, prices[self._rows] * self._counts)
        return self.objective * scale + paid

    def lifted(self, prices: Numbers, scale: int) -> Numbers:
        """Return prices that prove no less: rows grant nothing, and ask what the variables in no block leave over.

        What a slot is cut from costs at least as much as it is sold for, and what is not sold at all is no cheaper than
        the node that it lies on. Rows are taken from the last to the first, as what is cut stands before its pieces.
        """
        found, costs = prices.copy(), self.costs(prices, scale)
        for row, (sold, counts), (variables, all_counts) in self._liftable:
            over = int((costs[sold] // counts).min())
            if over > 0:
                found[row] += over
                costs[variables] += over * all_counts
        return found

    @cached_property
    def _liftable(self) -> list[tuple[int, tuple[Numbers, Numbers], tuple[Numbers, Numbers]]]:
        """Rows whose right side is 0: the variables in no block that they gain by, and all their variables."""
        other = np.zeros(len(self.objective), dtype=bool)
        other[self.others] = True
        order = np.argsort(self._rows, kind="stable")
        starts = np.searchsorted(self._rows[order], np.arange(len(self.most) + 1))
        found = []
        for row in reversed(range(len(self.most))):
            mine = order[starts[row] : starts[row + 1]]
            variables, counts = self._variables[mine], self._counts[mine]
            gains = counts < 0
            if self.most[row] == 0 and gains.any() and other[variables[gains]].all():
                found.append((row, (variables[gains], -counts[gains]), (variables, counts)))
        return found

    def granted(self, prices: Numbers, costs: Numbers) -> float:
        """What the variables in no block cost at least, less what the rows grant; -inf where nothing bounds it."""
        cheap = self.others[costs[self.others] < 0]
        tops = self.upper[cheap]
        if np.isinf(tops).any():
            return -np.inf
        return int(costs[cheap] @ tops.astype(np.int64)) - int(prices @ self.most)
