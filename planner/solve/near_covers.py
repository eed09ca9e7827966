"""Covers of a load that cost little more than the cheapest one, drawn at random.

What is left to carry is carried step by step, by any item that what may be lost leaves room for: the table of cheapest
covers tells what each step loses. The items that lose less are taken more often.
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
    item, copies = cheapest.bulk
    may_lose = loss * dice.random(number)
    left = np.full(number, cheapest.need, dtype=np.int64)
    lost = np.zeros(number)
    found = np.zeros((number, len(carried)), dtype=np.int64)
    found[:, item] += copies
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
