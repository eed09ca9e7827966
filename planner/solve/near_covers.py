"""Covers of a load that cost little more than the cheapest one, drawn at random.

The bulk of a large load is shared between two items. What is left to carry is carried step by step, by any item that
what may be lost leaves room for: the table of cheapest covers tells what each step loses. The items that lose less are
taken more often.
"""

import numpy as np

from planner.solve.covering_knapsack import CheapestCover, Floats, Numbers

_MILD = 0.1
"""Part of what may be lost at which an item is half as likely as one that loses nothing."""


def near_covers(
    cheapest: CheapestCover, carried: Numbers, prices: Numbers, loss: float, number: int, dice: np.random.Generator
) -> Numbers:
    """Draw a `number` of covers that lose at most so much each; return a row of copies of the items for each kind.

    The items, as those of the cheapest cover are numbered, carry and cost this much a copy.
    """
    may_lose = loss * dice.random(number)
    found = np.zeros((number, len(carried)), dtype=np.int64)
    left, lost = _bulk(cheapest, carried, prices, may_lose, found, dice)
    open_ = np.flatnonzero(left > 0)
    while len(open_):
        before = left[open_, None]
        losing = prices + cheapest.prices_of(before - carried) - cheapest.prices_of(before)
        weights: Floats = dice.random(losing.shape) / (losing + _MILD * loss + 1)
        weights[lost[open_, None] + losing > may_lose[open_, None]] = -1
        taken = np.argmax(weights, axis=1)
        lost[open_] += losing[np.arange(len(open_)), taken]
        found[open_, taken] += 1
        left[open_] -= carried[taken]
        open_ = open_[left[open_] > 0]
    return np.unique(found, axis=0)


def _bulk(
    cheapest: CheapestCover,
    carried: Numbers,
    prices: Numbers,
    may_lose: Floats,
    found: Numbers,
    dice: np.random.Generator,
) -> tuple[Numbers, Floats]:
    """Add the bulk to the covers `found`, a part of each by another item; return what is left to carry, and lost.

    The cheapest cover has its bulk of one item, and others only in what little is beside it.
    """
    best, copies = cheapest.bulk
    left, lost = np.full(len(found), cheapest.need, dtype=np.int64), np.zeros(len(found))
    found[:, best] += copies
    if not copies:
        return left, lost
    each, price = int(carried[best]), int(prices[best])
    all_lost = np.maximum(0.0, prices * (copies * each / carried) - copies * price)
    mild = 1 + _MILD * may_lose[:, None]
    other = np.argmax(dice.random((len(found), len(carried))) / (all_lost + mild), axis=1)
    part = dice.random(len(found)) * np.minimum(1.0, may_lose / np.maximum(1.0, all_lost[other]))
    taken = (part * copies * each / carried[other]).astype(np.int64)
    fewer = taken * carried[other] // each
    less = cheapest.need + fewer * each - taken * carried[other]
    losing = taken * prices[other] - fewer * price + cheapest.prices_of(less) - cheapest.prices_of(left)
    places = np.flatnonzero(losing <= may_lose)
    found[places, best] -= fewer[places]
    found[places, other[places]] += taken[places]
    left[places], lost[places] = less[places], losing[places]
    return left, lost
