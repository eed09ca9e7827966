"""Some loads of a plan covered anew around the others as they are (large neighbourhood search: Shaw, 1998).

What the other loads leave of the rows has prices of its own: those of the best mixture of covers of the open loads
within it, found as for all loads together (decomposition.py). They tell what the open loads could cost at least, and
which of their covers a better plan may be made of. Few are left, and CP-SAT chooses among them (chosen_covers.py).
"""

from collections.abc import Collection, Sequence
from threading import Event

import numpy as np

from planner.solve.chosen_covers import CoverChooser, Run
from planner.solve.clock import Clock
from planner.solve.cover_pool import CoverPool, Covers
from planner.solve.covering_knapsack import Floats
from planner.solve.mixture import Cover, Mixed, Mixture
from planner.solve.offered_mixture import offered_mixture
from planner.solve.shared_rows import SharedRows
from planner.solve.side_by_side import side_by_side

_PRICINGS = 20
"""How often a mixture is priced, of what is offered and of all that the variables make."""
_LOSS = 0.5
"""Part of what could be gained that a cover drawn at the prices of the mixture may lose."""
_WORK = 0.5
"""What CP-SAT may spend on a choice."""
_LEAST = 1e-6
"""Part of a plan's value that is worth looking for."""


class Neighbourhoods:
    """Plans around another one, with covers of the `pools`; prices count `scale` times in whole numbers."""

    def __init__(self, rows: SharedRows, pools: Sequence[CoverPool], chooser: CoverChooser, scale: int) -> None:
        self._rows, self._pools, self._chooser, self._scale = rows, pools, chooser, scale

    def around(
        self,
        values: Sequence[int],
        openings: Sequence[Collection[int]],
        known: Sequence[Covers],
        most: int,
        target: float,
        clock: Clock,
        seed: int,
    ) -> list[tuple[int, ...]]:
        """Values of all variables, no worse, for each opening that may hold better ones; two at the same time.

        The mixtures start from covers that are `known` of each load, the choice is among at most so many covers of all
        open loads together. A search ends once it comes to the `target`.
        """

        def work(number: int) -> tuple[int, ...] | None:
            return self._around(values, sorted(openings[number]), known, most, target, clock, seed + number)

        return [found for found in side_by_side(work, len(openings)) if found is not None]

    def _around(
        self,
        values: Sequence[int],
        opened: Sequence[int],
        known: Sequence[Covers],
        most: int,
        target: float,
        clock: Clock,
        seed: int,
    ) -> tuple[int, ...] | None:
        """The best values that were found, None where the prices tell that there are no better ones."""
        own = [pool.of(values) for pool in self._pools]
        settled = [number for number in range(len(own)) if number not in opened]
        taken = np.zeros(len(self._rows.most), dtype=np.int64)
        for number in settled:
            taken[self._pools[number].rows] += own[number].takes[0]
        first = [own[number].beside(known[number]) for number in opened]
        mixed, offers = self._mixed(self._rows.without(taken), opened, first)
        value = int(self._rows.objective @ np.array(values, dtype=np.int64))
        gain = value - sum(int(own[number].objective[0]) for number in settled) - mixed.value
        if gain < _LEAST * value:
            return None
        covers, dice = [*own], np.random.default_rng(seed)
        for number, offered in zip(opened, offers, strict=True):
            pool = self._pools[number]
            near = pool.near(pool.costs_at(mixed.prices, self._scale), _LOSS * gain * self._scale, dice)
            cheapest = _cheapest(pool, offered.beside(near), mixed.prices, gain)
            covers[number] = own[number].beside(cheapest.only(range(min(most // len(opened), len(cheapest.objective)))))
        run = Run(covers, [0] * len(covers), values, _WORK, seed)
        return self._chooser.chosen(run, target, clock, Event()).values

    def _mixed(
        self, left: SharedRows, opened: Sequence[int], offers: Sequence[Covers]
    ) -> tuple[Mixed, Sequence[Covers]]:
        """The best mixture of covers of the open loads within what is left, or nearly so; with those that it offers.

        First among the covers that are known, then of all that the variables make.
        """
        pools = [self._pools[number] for number in opened]
        mixture = Mixture(left, len(pools))
        mixed = offered_mixture(mixture, pools, offers, _PRICINGS)
        for _ in range(_PRICINGS):
            cheapest = [pool.cheapest(pool.costs_at(mixed.prices, self._scale)) for pool in pools]
            offers = [offered.beside(cover) for offered, cover in zip(offers, cheapest, strict=True)]
            taken = [
                mixture.add(Cover(load, pool.as_copies(cover, 0)))
                for load, (pool, cover) in enumerate(zip(pools, cheapest, strict=True))
            ]
            if not any(taken):
                break
            mixed = offered_mixture(mixture, pools, offers, _PRICINGS)
        return mixed, offers


def _cheapest(pool: CoverPool, offered: Covers, prices: Floats, gain: float) -> Covers:
    """Those of the covers that cost least at these prices, none of them more than the `gain` beyond the cheapest."""
    apart = pool.apart(offered, prices)
    costs = pool.at_prices(apart, prices)
    return apart.only(np.flatnonzero(costs <= costs[0] + gain))
