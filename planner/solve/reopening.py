"""A plan near the bound of a decomposition: loads are opened again, some at a time, around the best plan so far.

All loads are opened at once, to choose among the covers that cost least (whole_choice.py), which mostly ends the
search. Where that finds no plan, most loads are covered as the decomposition does in one way, and how the others are,
with the numbers of nodes, is a choice among whole covers (cover_choice.py). Where a plan is not near enough, some loads
are opened in turn with all: those more often that pay more than the bound has them pay. A few loads with many covers to
choose from, many loads with a few covers, and copies of single layouts near the bound take turns. All limits are counts
of work, so that the answer is the same on every machine.
"""

import random
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import ceil, log
from typing import NamedTuple

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.cover_choice import CoverChoice
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.outline import Outline
from planner.solve.remainder import Remainder, remainder
from planner.solve.shared_rows import SharedRows
from planner.solve.whole_choice import WholeChoice

_NEAR, _SHARES = 0.1, 5
"""Layouts are tried whose plans exceed the bound by at most this part of the gap, and so many even shares of a load."""
_ROUNDS, _WHOLE = 60, 2
"""How often loads are opened again; after so many times that all are opened at once, once some of them."""
_BESIDE = 10
"""Loads whose covers are chosen at first beside those that are mixed of several."""


class _Covers(NamedTuple):
    """A choice for so many loads among so many covers of each."""

    loads: int
    covers: int


_Way = _Covers | None
"""How loads are covered anew: None by copies of single layouts."""
_FEW, _SOME, _MOST = _Covers(12, 60), _Covers(25, 40), _Covers(50, 20)
_WAYS: tuple[tuple[_Way, _Way], ...] = ((_SOME, _MOST), (_FEW, None))
"""Ways that are gone at the same time, in turn: what one does not find another one often does."""
_OPEN = 200
"""Layouts of open loads, of which copies are decided on."""
_EVEN_COVERS, _EVEN = 1.0, 0.02
"""Part of what all loads pay beyond the bound that is shared evenly among them as they are drawn, for either choice."""
_LOSS, _MORE = 0.3, 0.1
"""Part of the gap that a cover may lose where all loads are covered anew, and how much more of it each time."""
_SEEDS = 1 << 30
_NODES = 500
"""Nodes of SCIP's search tree, for copies of single layouts."""
_CUT_NODES = 100
"""Nodes of that tree to decide how nodes are cut for replicas that are settled."""
_PART = 0.1
"""Part of the gap within which each small programme is solved."""


def near_loss(gap: float, bound: float, loads: int) -> float:
    """Return by how much a layout in a plan near the bound may make its load dearer."""
    return min(_NEAR, _SHARES / max(1, loads)) * gap * bound


class Reopening:
    """The best plan so far (`values` of the programme's variables) and the `bound`."""

    def __init__(
        self,
        programme: IntegerProgramme,
        objective: Terms,
        clock: Clock,
        decomposition: Decomposition,
        sketch: Outline | None,
    ) -> None:
        self._programme, self._objective, self._clock = programme, objective, clock
        self._decomposition, self._blocks = decomposition, decomposition.blocks
        self._gap = clock.effort.gap
        self.bound = ceil(decomposition.bound - abs(decomposition.bound) * mathopt_solver.BOUND_DIGITS)
        self._answers = decomposition.answers()
        limit = near_loss(self._gap, self.bound, len(self._blocks))
        self._near = [
            block.variables[losses <= limit].tolist()
            for block, losses in zip(self._blocks, self._answers.losses(), strict=True)
        ]
        self.values: tuple[int, ...] | None = None
        self._look_in(sketch)

    @property
    def near_enough(self) -> bool:
        """Whether the best plan lies within the gap of the bound."""
        return self.values is not None and self.value - self.bound <= self._gap * abs(self.value)

    @property
    def value(self) -> int:
        """Value of the best plan."""
        return 0 if self.values is None else evaluate(self._objective, self.values)

    def run(self) -> None:
        """Find a plan, and better ones until one is near enough or the work is done."""
        dice = random.Random(1)
        if self._blocks:
            self._whole_round((), 0, dice)
        if self.values is None:
            self._first()
        if self.values is None and self._sketch:
            self._look_in(None)
            self._first()
        for number in range(1, _ROUNDS):
            if self.values is None or not self._blocks or self.near_enough or self._clock.ended():
                return
            turn, place = divmod(number, _WHOLE + 1)
            if place == _WHOLE:
                self._round(self.values, _WAYS[turn % len(_WAYS)], dice)
            else:
                self._whole_round(self.values, turn, dice)

    def _look_in(self, sketch: Outline | None) -> None:
        """Look for plans in the outline, or else in the programme itself."""
        self._sketch = sketch
        rows, left_out = self._decomposition.rows, frozenset[int]()
        if sketch:
            rows, left_out = SharedRows(sketch.rows, self._objective, self._blocks), sketch.left_out
        losing = self._gap * self.bound * self._answers.scale
        self._choice = CoverChoice(rows, left_out, self._decomposition, self._answers.costs, losing, self._gap)
        self._whole_choice = WholeChoice(rows, left_out, self._decomposition, self._answers.costs)

    def _first(self) -> None:
        """Leave loads open that are mixed of several covers, and more of the others while that gives no plan."""
        mixed = self._decomposition.mixed
        covers = sorted(mixed.parts, key=lambda cover: mixed.parts[cover]) if mixed else []
        best = {cover.block: dict(cover.copies) for cover in covers}
        opened = [block for block in best if sum(cover.block == block for cover in covers) > 1]
        closed = sorted(best.keys() - opened, key=lambda block: (-len(self._near[block]), block))
        settled = {v: n for block in closed[_BESIDE:] for v, n in best[block].items()}
        self._keep(self._cut(self._choice.values([*opened, *closed[:_BESIDE]], settled, _FEW.covers, self._clock, 1)))
        while self.values is None and not self._clock.ended():
            settled = {v: n for block in closed for v, n in best[block].items()}
            self._keep(self._cut(self._answer(self._remainder(opened, settled, set()))))
            if not closed:
                return
            more = len(opened) + 1
            opened, closed = [*opened, *closed[:more]], closed[more:]

    def _round(self, values: Sequence[int], ways: Sequence[_Way], dice: random.Random) -> None:
        """Cover some loads anew around the others as they are, in different ways at the same time."""
        paid = [max(0.0, beyond) for beyond in self._answers.paid(values)]
        covers = [{v: values[v] for v in block.variables.tolist() if values[v]} for block in self._blocks]
        orders = [self._order(paid, dice, _EVEN_COVERS if way else _EVEN) for way in ways]
        seeds = [dice.randrange(_SEEDS) for _ in ways]

        def choose(way: _Way, order: Sequence[int], seed: int) -> tuple[int, ...] | None:
            opened = order[: way.loads] if way else self._few(order)
            settled = {v: n for number, cover in enumerate(covers) if number not in opened for v, n in cover.items()}
            if way:
                return self._choice.values(opened, settled, way.covers, self._clock, seed, values)
            used = {v for number in opened for v in covers[number]}
            return self._answer(self._remainder(opened, settled, used), values)

        with ThreadPoolExecutor(len(ways)) as pool:
            for found in list(pool.map(choose, ways, orders, seeds)):
                self._keep(self._cut(found))

    def _whole_round(self, values: Sequence[int], turn: int, dice: random.Random) -> None:
        """Cover all loads anew at once, around the values so far, if any; each turn covers may lose more."""
        losing = (_LOSS + _MORE * turn) * self._gap * self.bound * self._answers.scale
        target = self.bound / (1 - self._gap)
        found = self._whole_choice.values(values, target, losing, self._clock, dice.randrange(_SEEDS))
        for each in sorted(found, key=lambda each: evaluate(self._objective, each)):
            self._keep(self._cut(each))

    def _order(self, paid: Sequence[float], dice: random.Random, even: float) -> list[int]:
        """Loads, drawn by what they pay beyond the bound, part of it `even` (Efraimidis and Spirakis, 2006)."""
        least = max(1.0, sum(paid)) * even / len(paid)
        return sorted(range(len(paid)), key=lambda number: -log(1 - dice.random()) / (least + paid[number]))

    def _few(self, order: Sequence[int]) -> list[int]:
        """The first loads, as many as have few layouts together."""
        opened, variables = [], 0
        for number in order:
            if variables + len(self._near[number]) <= _OPEN:
                opened.append(number)
                variables += len(self._near[number])
        return opened

    def _remainder(self, opened: Sequence[int], settled: Mapping[int, int], used: Set[int]) -> Remainder:
        """What is left to decide: the open loads, with layouts near the bound and those `used`, and the nodes."""
        sketch = self._sketch or Outline(self._programme, frozenset())
        others = (int(variable) for variable in self._decomposition.rows.others)
        upper = {variable: self._programme.upper[variable] for variable in others if variable not in sketch.left_out}
        for number in opened:
            block = self._blocks[number]
            wanted = used | {*self._near[number]}
            upper |= {v: block.most(place) for place, v in enumerate(block.variables.tolist()) if v in wanted}
        return remainder(sketch.rows, self._objective, settled, upper)

    def _answer(self, left: Remainder, values: Sequence[int] = ()) -> tuple[int, ...] | None:
        """Values of all variables, found from the remainder; `values` to start from."""
        gap = _PART * self._gap * self.bound / max(1, self.bound - left.settled_value)
        effort = replace(self._clock.left, gap=gap)
        hint = [values[variable] for variable in left.variables] if values else ()
        found = mathopt_solver.minimise(left.programme, left.objective, effort, nodes=_NODES, hint=hint).values
        return None if found is None else left.whole(found, len(self._programme.upper))

    def _cut(self, values: tuple[int, ...] | None) -> tuple[int, ...] | None:
        """Decide how nodes are cut for the replicas of an outline's plan; None where more nodes would be needed."""
        if values is None or self._sketch is None:
            return None if values is None or self._programme.broken(values) else values
        if self.values is not None and evaluate(self._objective, values) >= self.value:
            return None
        others = [int(variable) for variable in self._decomposition.rows.others]
        replicas = {v: n for block in self._blocks for v in block.variables.tolist() if (n := values[v])}
        left = remainder(self._programme, self._objective, replicas, {v: self._programme.upper[v] for v in others})
        found = mathopt_solver.minimise(left.programme, left.objective, self._clock.left, nodes=_CUT_NODES).values
        return None if found is None else left.whole(found, len(self._programme.upper))

    def _keep(self, values: tuple[int, ...] | None) -> None:
        """Keep a better plan."""
        if values is not None and (self.values is None or evaluate(self._objective, values) < self.value):
            self.values = values
            self._clock.show(self.value, self.bound)
