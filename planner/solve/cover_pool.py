"""The covers of a load to choose among: those of the mixture, the one so far, and others near the cheapest one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.solve.covering_knapsack import CheapestCover, Floats, Numbers
from planner.solve.load_block import LoadBlock
from planner.solve.mixture import Copies, as_copies
from planner.solve.near_covers import near_covers
from planner.solve.shared_rows import SharedRows

_DRAWN = 500
"""Covers that are drawn for a load, of which many are alike."""


@dataclass(frozen=True)
class Covers:
    """Covers of one load: `copies` of each variable of the load, and what they take of each of its rows.

    `objective` is what each adds to it.
    """

    copies: Numbers
    takes: Numbers
    objective: Numbers

    def beside(self, others: "Covers") -> "Covers":
        """These, and others after them."""
        return Covers(
            np.concatenate((self.copies, others.copies)),
            np.concatenate((self.takes, others.takes)),
            np.concatenate((self.objective, others.objective)),
        )

    def only(self, places: Sequence[int] | Numbers) -> "Covers":
        """Some of them."""
        return Covers(self.copies[places], self.takes[places], self.objective[places])

    def distinct(self) -> "Covers":
        """The first of those that take and add the same."""
        _, first = np.unique(np.column_stack((self.takes, self.objective)), axis=0, return_index=True)
        return self.only(np.sort(first))


class CoverPool:
    """Draws covers of a load whose variables stand in `rows` and cost `costs` at the prices of a bound.

    `mixed` are the covers that prove it.
    """

    def __init__(self, block: LoadBlock, shared: SharedRows, costs: Numbers, mixed: Sequence[Copies]) -> None:
        self.variables = block.variables
        self._need, self._carried, self._costs = block.need, block.carried, np.maximum(costs[block.variables], 1)
        self._cheapest = self._cheapest_at(self._costs)
        columns = [shared.column(variable) for variable in self.variables.tolist()]
        self.rows = np.unique(np.array([row for column in columns for row, _ in column], dtype=np.int64))
        self._takes = np.zeros((len(columns), len(self.rows)), dtype=np.int64)
        for place, column in enumerate(columns):
            for row, count in column:
                self._takes[place, np.searchsorted(self.rows, row)] += count
        self._objective = shared.objective[self.variables]
        places = {variable: place for place, variable in enumerate(self.variables.tolist())}
        self._mixed = np.zeros((len(mixed), len(columns)), dtype=np.int64)
        for number, cover in enumerate(mixed):
            for variable, count in cover:
                self._mixed[number, places[variable]] = count

    def drawn(self, before: Sequence[int], loss: float, dice: np.random.Generator) -> Covers:
        """Draw covers that lose at most so much, first the one in the values of all variables `before`, if any.

        No two take and add the same.
        """
        near = near_covers(self._cheapest, self._carried, self._costs, loss, _DRAWN, dice)
        found = self._covers(np.concatenate((self._mixed, near)))
        return (self.of(before).beside(found) if before else found).distinct()

    def near(self, costs: Numbers, loss: float, dice: np.random.Generator) -> Covers:
        """Draw covers that lose at most so much where a copy of each variable costs this."""
        return self._covers(near_covers(self._cheapest_at(costs), self._carried, costs, loss, _DRAWN, dice))

    def cheapest(self, costs: Numbers) -> Covers:
        """The one cover that costs least, or nearly so, where a copy of each variable costs this."""
        copies = np.zeros((1, len(self.variables)), dtype=np.int64)
        for place, count in self._cheapest_at(costs).copies().items():
            copies[0, place] = count
        return self._covers(copies)

    def _cheapest_at(self, costs: Numbers) -> CheapestCover:
        return CheapestCover(self._need, self._carried, costs, rough=True)

    def costs_at(self, prices: Floats, scale: int) -> Numbers:
        """What a copy of each variable costs at these prices of the rows, `scale` times in whole numbers."""
        costs = scale * (self._objective + self._takes @ prices[self.rows])
        found: Numbers = np.maximum(1, np.rint(costs)).astype(np.int64)
        return found

    def of(self, values: Sequence[int]) -> Covers:
        """The one cover of the load in the values of all variables."""
        return self._covers(np.array(values, dtype=np.int64)[None, self.variables])

    def _covers(self, copies: Numbers) -> Covers:
        return Covers(copies, copies @ self._takes, copies @ self._objective)

    def at_prices(self, covers: Covers, prices: Floats) -> Floats:
        """What each cover costs at these prices of the rows."""
        found: Floats = covers.objective + covers.takes @ prices[self.rows]
        return found

    def apart(self, covers: Covers, prices: Floats) -> Covers:
        """Those of the covers that differ where rows have a price: of those alike, the one that takes least elsewhere.

        The cheapest of them at these prices come first.
        """
        priced = prices[self.rows] > 0
        order = np.argsort(covers.takes[:, ~priced].sum(axis=1), kind="stable")
        _, first = np.unique(
            np.column_stack((covers.takes[order][:, priced], covers.objective[order])), axis=0, return_index=True
        )
        found = covers.only(np.sort(order[first]))
        return found.only(np.argsort(self.at_prices(found, prices), kind="stable"))

    def as_copies(self, covers: Covers, place: int) -> Copies:
        """One of the covers, as variables with how many of each."""
        return as_copies(self.variables, covers.copies[place])
