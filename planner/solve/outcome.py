"""What a solver hands back, and what it may spend."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Event
from typing import Literal

SolverName = Literal["scip", "highs", "cp-sat"]


@dataclass(frozen=True)
class Progress:
    """Where a running solve stands: the best value so far and what is proven, where known; seconds since the start."""

    value: float | None
    bound: float | None
    seconds: float
    unit: str = ""

    def in_units(self, scale: int, unit: str) -> "Progress":
        """The same in other units."""
        value, bound = (None if figure is None else figure / scale for figure in (self.value, self.bound))
        return Progress(value, bound, self.seconds, unit)


@dataclass(frozen=True)
class Effort:
    """What a solve may spend.

    `gap` is the relative distance from the bound at which it may stop. `seconds` is a limit of wall-clock
    time (None: none, which keeps answers the same on every machine). `interrupted`, once set, ends the
    solve with the best so far. `watch` hears of progress.
    """

    gap: float = 0.0
    seconds: float | None = None
    interrupted: Event = field(default_factory=Event)
    watch: Callable[[Progress], None] | None = None


@dataclass(frozen=True)
class Outcome:
    """The best values found for a minimised objective, and the proven lower bound of it.

    `values` is None when none were found; `complete` tells that this is because there are none, or that
    `value` lies within the allowed gap of `bound`.
    """

    values: tuple[int, ...] | None
    value: int
    bound: int
    complete: bool
    solver: str
