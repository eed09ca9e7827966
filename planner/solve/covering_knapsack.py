"""The cheapest multiset of replicas that covers a load, by dynamic programming over what is left to carry.

f(d) = min over items of price + f(d - carried), and 0 when nothing is left. Items are taken in one by one, the best
ratio first: up to one copy, then up to three, seven ..., each step over all d at once, until those before it carry as
much as so many copies at no higher price. Everything is in whole numbers.
"""

from typing import Any

import numpy as np

Numbers = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_UNREACHED = 1 << 60
_WHOLE = 12
"""Loads of more than so many of the largest items are filled with the item of the best ratio down to that many."""


class CheapestCover:
    """The cheapest covers of every load up to `need`, with items that carry and cost this much.

    With `rough` the bulk of a large load is filled with the item of the best ratio, which may cost a little more than
    the cheapest cover; without it `price` is exact. `carried` and `prices` are positive.
    """

    def __init__(self, need: int, carried: Numbers, prices: Numbers, *, rough: bool = False) -> None:
        useful = np.minimum(carried, need)
        order = np.lexsort((prices, -useful))
        cheapest = np.minimum.accumulate(np.concatenate(([_UNREACHED], prices[order][:-1])))
        self._items = order[prices[order] < cheapest]
        """Items that no other carries as much as at no higher price, by what they carry."""
        self._carried, self._prices = useful[self._items], prices[self._items]
        ratios = self._prices / self._carried
        self._best = int(np.argmin(ratios))
        self._bulk = 0
        if rough:
            each = int(self._carried[self._best])
            self._bulk = max(0, need - _WHOLE * int(self._carried[0])) // each
            need -= self._bulk * each
        self._need, self._margin = need, int(self._carried[0])
        self._table = self._filled(np.argsort(ratios))

    def _filled(self, order: Numbers) -> Numbers:
        """f(d) at place `margin` + d; below that nothing is left to carry."""
        size, margin = self._need + 1 + self._margin, self._margin
        table = np.full(size, _UNREACHED, dtype=np.int64)
        table[: margin + 1] = 0
        for item in order:
            step, price = int(self._carried[item]), int(self._prices[item])
            copies = _useful(table[margin + step :: step], price)
            while copies > 0 and step < size:
                np.minimum(table[step:], table[:-step] + price, out=table[step:])
                step, price, copies = 2 * step, 2 * price, copies // 2
        return table

    @property
    def price(self) -> int:
        """Price of the cheapest cover of the whole load."""
        return int(self._table[-1]) + self._bulk * int(self._prices[self._best])

    @property
    def least(self) -> int:
        """What no cover of the whole load costs less than: its price, or that of fractions where the cover is rough."""
        if not self._bulk:
            return self.price
        each = int(self._carried[self._best])
        return -(-int(self._prices[self._best]) * (self._need + self._bulk * each) // each)

    @property
    def need(self) -> int:
        """What is left to carry beside the bulk."""
        return self._need

    @property
    def bulk(self) -> tuple[int, int]:
        """The item that carries the bulk of a large load, and its copies; none where the cover is not rough."""
        return int(self._items[self._best]), self._bulk

    def prices_of(self, left: Numbers) -> Numbers:
        """Prices of the cheapest covers of what is left to carry, nothing or up to `need`."""
        found: Numbers = self._table[np.maximum(left, 0) + self._margin]
        return found

    def copies(self) -> dict[int, int]:
        """The items of that cover, with how many of each."""
        found = {int(self._items[self._best]): self._bulk} if self._bulk else {}
        place = len(self._table) - 1
        while place > self._margin:
            item = int(np.argmin(self._table[place - self._carried] + self._prices))
            number = int(self._items[item])
            found[number] = found.get(number, 0) + 1
            place -= int(self._carried[item])
        return found

    def losses(self, carried: Numbers, prices: Numbers) -> Numbers:
        """What a cover costs at least beyond the cheapest one when it must hold each of these items."""
        found: Numbers = prices + self.prices_of(self._need - carried) - self._table[-1]
        return found


def _useful(others: Numbers, price: int) -> int:
    """Copies of an item of this price that a cover may want; `others` carry as much as 1, 2, 3 ... of it for this much.

    Where so many cost no less than others do, they are not wanted, nor are more.
    """
    enough = others <= price * np.arange(1, len(others) + 1)
    return int(enough.argmax()) if enough.any() else len(others) + 1
