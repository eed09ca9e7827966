"""The bound of a covering programme whose loads are each covered in whole replicas (Dantzig and Wolfe, 1960).

The linear relaxation cuts large replicas into fractions. Here each load is covered by a mixture of whole covers, so
that only the sharing of nodes is relaxed. Covers are found where the prices of the shared rows make them worth while:
the mixture of the covers known so far prices the rows, each load answers with its cheapest cover at these prices, until
none is cheaper than what is mixed. Any prices prove a bound (Lagrange): the cheapest covers at these prices, less what
the rows grant. Prices are rounded to whole numbers and all sums are whole, so that the bound is exact. It holds for
layouts as well that wait until a cover wants them, as if they carried all that they may.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from math import isinf

import numpy as np

from planner.solve.clock import Clock
from planner.solve.covering_knapsack import CheapestCover, Floats, Numbers
from planner.solve.load_answers import LoadAnswers
from planner.solve.load_block import LoadBlock
from planner.solve.mixture import Cover, Mixed, Mixture
from planner.solve.shared_rows import SharedRows

_PARTS = 10**12
"""The bound is counted in about so many parts, which leave room in 64 bits for all that is added up."""
_LARGEST = 1 << 18
"""Loads of more units are bounded by fractions of replicas, of which they need so many that it matters little."""
_ROUNDS = 80
_NEAR = 2e-5
"""Share of the mixture's value within which the bound is near enough to it."""
_ROUGH = 0.2
"""Part of what lies between the proven bound and the mixture's value, to which covers are found before billing more."""
_STAY = 0.5
"""How far prices stay at those of the best bound: the mixture's own jump to and fro (Wentges, 1997)."""

Bill = Callable[[Mapping[int, set[int]]], Mapping[int, LoadBlock]]
"""Bills what waits for loads, by place there, and returns their blocks as they are then."""


class Decomposition:
    """Loads that share rows: the best `bound` so far, the `prices` (`scale` times) that prove it, and the mixture."""

    def __init__(self, blocks: Sequence[LoadBlock], rows: SharedRows, relaxed: float, duals: Floats) -> None:
        self.blocks, self.rows, self.mixture = [*blocks], rows, Mixture(rows, len(blocks))
        self._scale = max(1, int(_PARTS / max(relaxed, 1.0)))
        self.bound, self.prices = relaxed, self._whole(duals)
        self.mixed: Mixed | None = None
        if any(block.waiting for block in blocks):
            self.bound = 0.0  # the relaxation knows nothing of them

    def resumed(self, blocks: Sequence[LoadBlock], rows: SharedRows) -> "Decomposition":
        """Return the decomposition with more variables, numbered after those of the blocks that there were."""
        again = Decomposition(blocks, rows, self.bound, self.prices / self._scale)
        again.bound, again.mixed = self.bound, self.mixed
        for cover in self.mixture.covers:
            again.mixture.add(cover)
        return again

    def improve(self, gap: float, clock: Clock) -> None:
        """Add covers until the bound is near the mixture's value, nearer than a small part of the gap.

        What waits is in no cover: where anything does, the bound found is but a guide to prices, to be proven.
        """
        waits = any(block.waiting for block in self.blocks)
        guide = _Best(0.0 if waits else self.bound, self.prices)
        prices, stay = self.prices, _STAY
        for _ in range(_ROUNDS):
            prices = self.rows.lifted(prices, self._scale)
            better = guide.take(self._covered(prices), prices)
            self.mixed = self.mixture.best()
            clock.show(None, self.bound)
            unproven = _ROUGH * max(0.0, self.mixed.value - self.bound) if waits else 0.0
            if clock.ended() or self.mixed.value - guide.bound <= max(_near(gap) * self.mixed.value, unproven):
                break
            stay = _STAY if better else stay / 2
            prices = self._whole(stay * guide.prices / self._scale + (1 - stay) * self.mixed.prices)
        self.prices = guide.prices
        if not waits:
            self.bound = guide.bound

    def near(self, gap: float) -> bool:
        """Whether the bound is near the mixture's value."""
        return self.mixed is not None and self.mixed.value - self.bound <= _near(gap) * self.mixed.value

    def prove(self, bill: Bill, loss: float, rounds: int | None = None) -> dict[int, set[int]]:
        """Prove a bound at the prices so far: what waits and is wanted is billed until all is that covers want.

        After so many `rounds` the rest counts as it is promised. Return the places, by block, of what is billed, waits
        and is in a cover, or makes its load dearer by no more than a `loss`.
        """
        self.prices = self.rows.lifted(self.prices, self._scale)
        costs = self._costs(self.prices)
        covers = self._all(costs, waiting=True)
        wanted: dict[int, set[int]] = {}
        pending: Sequence[int] = range(len(self.blocks))
        for done in count():
            unknown: dict[int, set[int]] = {}
            for number in pending:
                waiting, near = self.blocks[number].waiting, self._near(number, covers[number], costs, loss)
                promised = {place for place in near if waiting and not waiting.billed[place]}
                wanted[number] = near - promised
                if promised:
                    unknown[number] = promised
            pending = [*unknown]
            if not pending or done == rounds:
                break
            for number, block in bill(unknown).items():
                self.blocks[number] = block
            for number, cover in zip(pending, self._all(costs, pending, waiting=True), strict=True):
                covers[number] = cover
        self.bound = max(self.bound, self._proven(self.prices, costs, covers))
        return wanted

    def answers(self) -> LoadAnswers:
        """Answer to the prices that prove the bound; roughly, where a load is large."""
        costs = self._costs(self.prices)
        covers = [self._cheapest(number, costs, rough=True) for number in range(len(self.blocks))]
        return LoadAnswers(self.blocks, covers, costs, self._scale)

    def _covered(self, prices: Numbers) -> float:
        """Add the cheapest covers at these prices; what they prove where nothing waits."""
        costs = self._costs(prices)
        covers = self._all(costs, waiting=False)
        for number, (block, cover) in enumerate(zip(self.blocks, covers, strict=True)):
            copies = ((int(block.variables[item]), count) for item, count in cover.copies().items())
            self.mixture.add(Cover(number, tuple(sorted(copies))))
        return self._proven(prices, costs, covers)

    def _all(self, costs: Numbers, numbers: Sequence[int] | None = None, *, waiting: bool) -> list[CheapestCover]:
        """The cheapest covers of some loads, else of all."""
        numbers = range(len(self.blocks)) if numbers is None else numbers
        return [self._cheapest(number, costs, waiting=waiting) for number in numbers]

    def _proven(self, prices: Numbers, costs: Numbers, covers: Sequence[CheapestCover]) -> float:
        """The bound that the cheapest covers at these prices prove."""
        granted = self.rows.granted(prices, costs)
        total = 0
        for block, cover in zip(self.blocks, covers, strict=True):
            total += cover.least - (block.need if self._free(costs, block) else 0)
        return granted if isinf(granted) else (total + granted) / self._scale

    def _whole(self, prices: Floats) -> Numbers:
        return np.rint(np.minimum(prices * self._scale, _PARTS)).astype(np.int64)

    def _costs(self, prices: Numbers) -> Numbers:
        return self.rows.costs(prices, self._scale)

    def _free(self, costs: Numbers, block: LoadBlock) -> bool:
        """Whether some copies cost nothing: they are counted as one part each, which is taken off again."""
        return bool((block.all_prices(costs) < 1).any())

    def _cheapest(self, number: int, costs: Numbers, *, waiting: bool = True, rough: bool = False) -> CheapestCover:
        """The cheapest cover of a load at these costs."""
        block = self.blocks[number] if waiting else replace(self.blocks[number], waiting=None)
        prices = np.clip(block.all_prices(costs), 1, _PARTS)
        return CheapestCover(block.need, block.all_carried, prices, rough=rough or block.need > _LARGEST)

    def _near(self, number: int, cheapest: CheapestCover, costs: Numbers, loss: float) -> set[int]:
        """Places of what waits and is in the cheapest cover of a load, or makes it dearer by no more than a loss."""
        block = self.blocks[number]
        if block.waiting is None:
            return set()
        known = len(block.variables)
        losses = cheapest.losses(block.waiting.carried, np.clip(block.waiting.prices(costs), 1, _PARTS))
        return {item - known for item in cheapest.copies() if item >= known} | {
            *np.flatnonzero(losses <= loss * self._scale).tolist()
        }


def _near(gap: float) -> float:
    return max(_NEAR, gap / 8)


class _Best:
    """The best bound so far, with its prices."""

    def __init__(self, bound: float, prices: Numbers) -> None:
        self.bound, self.prices = bound, prices

    def take(self, bound: float, prices: Numbers) -> bool:
        """Keep a better bound; whether it is one."""
        better = bound > self.bound
        if better:
            self.bound, self.prices = bound, prices
        return better
