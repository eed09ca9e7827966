"""Load blocks: rows of a programme that ask for replicas of one model, and nothing else, to carry its load."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.solve.covering_knapsack import Numbers
from planner.solve.integer_programme import IntegerProgramme

Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Waiting:
    """Layouts that are no variables: `slots` where variables `like` have `of` of the same, and what they carry.

    Nothing but their slots sets the variables apart from them in the rows that loads share. Those that are not `billed`
    carry at most so much.
    """

    like: Numbers
    slots: Numbers
    of: Numbers
    carried: Numbers
    billed: Flags

    def prices(self, costs: Numbers) -> Numbers:
        """What they cost where a copy of each variable of the programme costs this."""
        found: Numbers = costs[self.like] // self.of * self.slots
        return found


@dataclass(frozen=True)
class LoadBlock:
    """`variables` copies that carry so much each must carry `need` together; others are `waiting`."""

    row: int
    variables: Numbers
    carried: Numbers
    need: int
    waiting: Waiting | None = None

    @property
    def all_carried(self) -> Numbers:
        """What a copy of each variable carries, and of what is waiting at most."""
        return np.concatenate((self.carried, self.waiting.carried)) if self.waiting else self.carried

    def all_prices(self, costs: Numbers) -> Numbers:
        """What a copy of each variable costs, and of what is waiting."""
        own = costs[self.variables]
        return np.concatenate((own, self.waiting.prices(costs))) if self.waiting else own

    def most(self, place: int) -> int:
        """Copies of a variable that cover the need alone."""
        return -(-self.need // int(self.carried[place]))


def load_blocks(programme: IntegerProgramme, load_rows: Iterable[int]) -> list[LoadBlock]:
    """Return the blocks among the rows of loads, none of which share variables; of two the one that asks for more."""
    found, seen = [], set[int]()
    for number in sorted(load_rows, key=lambda row: (_least_copies(programme, row), -row), reverse=True):
        row = programme.rows[number]
        variables = [variable for variable, _ in row.terms]
        carried = np.array([coefficient for _, coefficient in row.terms], dtype=np.int64)
        free = all(programme.upper[variable] is None for variable in variables)
        if row.low is None or row.high is not None or row.low < 1 or not free or seen & {*variables}:
            continue
        if len(carried) and carried.min() > 0:
            seen |= {*variables}
            found.append(LoadBlock(number, np.array(variables, dtype=np.int64), carried, row.low))
    return sorted(found, key=lambda block: block.row)


def _least_copies(programme: IntegerProgramme, number: int) -> float:
    row = programme.rows[number]
    most = max((coefficient for _, coefficient in row.terms), default=0)
    return (row.low or 0) / most if most > 0 else 0.0
