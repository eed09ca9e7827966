"""Rules of a request beyond covering the load: who may use which nodes, how much may be spent."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rules:
    """What a fleet programme must keep.

    `eligible` holds for each model the places of the node classes it may use (None: all). `budget` is in
    millionths of a dollar an hour. `replicas` bounds the number of copies of each model.
    """

    eligible: Sequence[frozenset[int] | None]
    budget: int | None = None
    replicas: Sequence[tuple[int, int | None]] = ()
