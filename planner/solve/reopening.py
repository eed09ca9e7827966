"""A plan near the bound of a decomposition: loads are opened again, some at a time, around the best plan so far.

The decomposition covers most loads in one way. How the others are covered, with the numbers of nodes, is a small
programme over the few layouts that can be in a plan near the bound. Where that is not near enough, other loads are
opened: those more often that pay more than the bound has them pay. All limits are counts of work, so that the answer is
the same on every machine.
"""

import random
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from math import ceil, log

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.outline import Outline
from planner.solve.remainder import Remainder, remainder

_NEAR, _SHARES = 0.1, 5
"""Layouts are tried whose plans exceed the bound by at most this part of the gap, and so many even shares of a load."""
_OPEN = 200
"""Variables of open loads in a round."""
_ROUNDS = 24
_TOGETHER = 2
"""Choices of open loads that are tried at the same time."""
_FIRST_NODES, _NODES = 500, 500
"""Nodes of SCIP's search tree, for the first plan and for a better one."""
_CUT_NODES = 100
"""Nodes of that tree to decide how nodes are cut for replicas that are settled."""
_PART = 0.1
"""Part of the gap within which each small programme is solved."""
_EVEN = 0.02
"""Part of what all loads pay beyond the bound that is shared evenly among them as they are drawn."""


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
        self._sketch = sketch
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
        self._first()
        if self.values is None and self._sketch:
            self._sketch = None
            self._first()
        dice = random.Random(1)
        for _ in range(_ROUNDS):
            if self.values is None or not self._blocks or self.near_enough or self._clock.ended():
                return
            self._round(self.values, dice)

    def _first(self) -> None:
        """Leave loads open that are mixed of several covers, and more of the others while that gives no plan."""
        mixed = self._decomposition.mixed
        covers = sorted(mixed.parts, key=lambda cover: mixed.parts[cover]) if mixed else []
        best = {cover.block: dict(cover.copies) for cover in covers}
        opened = [block for block in best if sum(cover.block == block for cover in covers) > 1]
        closed = sorted(best.keys() - opened, key=lambda block: (-len(self._near[block]), block))
        while self.values is None and not self._clock.ended():
            settled = {v: n for block in closed for v, n in best[block].items()}
            self._keep(self._answer(self._remainder(opened, settled, set()), _FIRST_NODES))
            if not closed:
                return
            more = len(opened) + 1
            opened, closed = [*opened, *closed[:more]], closed[more:]

    def _round(self, values: Sequence[int], dice: random.Random) -> None:
        """Cover some loads anew around the others as they are, in several choices at the same time."""
        paid = [max(0.0, beyond) for beyond in self._answers.paid(values)]
        covers = [{v: values[v] for v in block.variables.tolist() if values[v]} for block in self._blocks]
        lefts = []
        for _ in range(_TOGETHER):
            opened = self._drawn(paid, dice)
            settled = {v: n for number, cover in enumerate(covers) if number not in opened for v, n in cover.items()}
            lefts.append(self._remainder(opened, settled, {v for number in opened for v in covers[number]}))
        with ThreadPoolExecutor(_TOGETHER) as pool:
            answers = list(pool.map(lambda left: self._answer(left, _NODES, values), lefts))
        for answer in answers:
            self._keep(answer)

    def _drawn(self, paid: Sequence[float], dice: random.Random) -> list[int]:
        """Loads to open, drawn by what they pay beyond the bound (Efraimidis and Spirakis, 2006)."""
        least = max(1.0, sum(paid)) * _EVEN / len(paid)
        order = sorted(range(len(paid)), key=lambda number: -log(1 - dice.random()) / (least + paid[number]))
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

    def _answer(self, left: Remainder, nodes: int, values: Sequence[int] = ()) -> tuple[int, ...] | None:
        """Values of the whole programme, found from the remainder; `values` to start from."""
        gap = _PART * self._gap * self.bound / max(1, self.bound - left.settled_value)
        effort = replace(self._clock.left, gap=gap)
        hint = [values[variable] for variable in left.variables] if values else ()
        found = mathopt_solver.minimise(left.programme, left.objective, effort, nodes=nodes, hint=hint).values
        return None if found is None else self._cut(left.whole(found, len(self._programme.upper)))

    def _cut(self, values: tuple[int, ...]) -> tuple[int, ...] | None:
        """Decide how nodes are cut for the replicas of an outline's plan; None where more nodes would be needed."""
        if self._sketch is None or (self.values is not None and evaluate(self._objective, values) >= self.value):
            return None if self._sketch else values
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
