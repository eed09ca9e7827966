"""The bound of a covering programme whose loads are each covered in whole replicas (Dantzig and Wolfe, 1960).

The linear relaxation cuts large replicas into fractions. Here each load is covered by a mixture of whole covers, so
that only the sharing of nodes is relaxed. Covers are found where the prices of the shared rows make them worth while:
the mixture of the covers known so far prices the rows, each load answers with its cheapest cover at these prices, until
none is cheaper than what is mixed. Any prices prove a bound (Lagrange): the cheapest covers at these prices, less what
the rows grant. Prices are rounded to whole numbers and all sums are whole, so that the bound is exact.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
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
_THREADS = 2
_STAY = 0.5
"""How far prices stay at those of the best bound: the mixture's own jump to and fro (Wentges, 1997)."""


class Decomposition:
    """Loads that share rows: the best `bound` so far, the `prices` (`scale` times) that prove it, and the mixture."""

    def __init__(self, blocks: Sequence[LoadBlock], rows: SharedRows, relaxed: float, duals: Floats) -> None:
        self.blocks, self.rows, self.mixture = blocks, rows, Mixture(rows, len(blocks))
        self._scale = max(1, int(_PARTS / max(relaxed, 1.0)))
        self.bound, self.prices = relaxed, self._whole(duals)
        self.mixed: Mixed | None = None

    def improve(self, gap: float, clock: Clock) -> None:
        """Add covers until the bound is near the mixture's value, nearer than a small part of the gap."""
        prices, stay = self.prices, _STAY
        for _ in range(_ROUNDS):
            better = self._try(prices)
            self.mixed = self.mixture.best()
            clock.show(None, self.bound)
            if clock.ended() or self.mixed.value - self.bound <= max(_NEAR, gap / 8) * self.mixed.value:
                return
            stay = _STAY if better else stay / 2
            prices = self._whole(stay * self.prices / self._scale + (1 - stay) * self.mixed.prices)

    def answers(self) -> LoadAnswers:
        """Answer to the prices that prove the bound; roughly, where a load is large."""
        costs = self._costs(self.prices)
        covers = [self._cheapest(number, costs, rough=True) for number in range(len(self.blocks))]
        return LoadAnswers(self.blocks, covers, costs, self._scale)

    def _try(self, prices: Numbers) -> bool:
        """Add the cheapest covers at these prices; whether they prove more than others did, and are kept."""
        costs = self._costs(prices)
        granted = self.rows.granted(prices, costs)
        total = 0
        with ThreadPoolExecutor(_THREADS) as pool:
            covers = list(pool.map(lambda number: self._cheapest(number, costs), range(len(self.blocks))))
        for number, (block, cover) in enumerate(zip(self.blocks, covers, strict=True)):
            self.mixture.add(self._cover(number, cover))
            total += cover.least - (block.need if self._free(costs, block) else 0)
        proven = granted if isinf(granted) else (total + granted) / self._scale
        better = proven > self.bound
        if better:
            self.bound, self.prices = proven, prices
        return better

    def _whole(self, prices: Floats) -> Numbers:
        return np.rint(np.minimum(prices * self._scale, _PARTS)).astype(np.int64)

    def _costs(self, prices: Numbers) -> Numbers:
        return self.rows.costs(prices, self._scale)

    def _free(self, costs: Numbers, block: LoadBlock) -> bool:
        """Whether some copies cost nothing: they are counted as one part each, which is taken off again."""
        return bool((costs[block.variables] < 1).any())

    def _cheapest(self, number: int, costs: Numbers, *, rough: bool = False) -> CheapestCover:
        block = self.blocks[number]
        prices = np.clip(costs[block.variables], 1, _PARTS)
        return CheapestCover(block.need, block.carried, prices, rough=rough or block.need > _LARGEST)

    def _cover(self, number: int, cheapest: CheapestCover) -> Cover:
        block = self.blocks[number]
        copies = ((int(block.variables[item]), count) for item, count in cheapest.copies().items())
        return Cover(number, tuple(sorted(copies)))
