"""The best mixture of many covers that are offered of each load, of which the mixture takes in but few."""

from collections.abc import Sequence

import numpy as np

from planner.solve.cover_pool import CoverPool, Covers
from planner.solve.mixture import Cover, Mixed, Mixture

_TAKEN = 3
"""Covers of a load that are taken in at a time."""


def offered_mixture(mixture: Mixture, pools: Sequence[CoverPool], offers: Sequence[Covers], pricings: int) -> Mixed:
    """Take in what is cheapest of the `offers` of each pool at the mixture's prices, until it has all of that.

    After so many `pricings` the mixture is the best one or nearly so.
    """
    for _ in range(pricings):
        mixed, taken = mixture.best(), False
        for load, (pool, offered) in enumerate(zip(pools, offers, strict=True)):
            for place in np.argsort(pool.at_prices(offered, mixed.prices), kind="stable")[:_TAKEN].tolist():
                taken |= mixture.add(Cover(load, pool.as_copies(offered, place)))
        if not taken:
            break
    return mixed
