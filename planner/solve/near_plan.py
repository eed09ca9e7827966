"""A plan near the bound of a decomposition: whole covers are chosen for all loads at once, until it is near enough.

Covers near the cheapest ones are drawn for each load, and drawn anew in each round, around the best plan so far
(cover_choice.py). Where these hold no plan, copies of single layouts are decided on instead, of few loads at first. All
limits are counts of work, so that the answer is the same on every machine.
"""

import random
from collections.abc import Mapping
from dataclasses import replace
from math import ceil

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.cover_choice import CoverChoice
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.outline import Outline
from planner.solve.remainder import Remainder, remainder
from planner.solve.shared_rows import SharedRows

_NEAR, _SHARES = 0.1, 5
"""Layouts are tried whose plans exceed the bound by at most this part of the gap, and so many even shares of a load."""
_ROUNDS = 20
_LOSS, _MORE = 0.3, 0.1
"""Part of the gap that a cover may lose, and how much more of it in each round."""
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


class NearPlan:
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
        self.values: tuple[int, ...] | None = None
        self._choice = self._chooser()

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
        for number in range(_ROUNDS):
            if self.near_enough or self._clock.ended():
                return
            if self._blocks:
                self._round(_LOSS + _MORE * number, dice.randrange(_SEEDS))
            if self.values is None:
                self._open()
            if self.values is None and self._sketch:
                self._sketch = None
                self._choice = self._chooser()
            elif self.values is None or not self._blocks:
                return

    def _round(self, loss: float, seed: int) -> None:
        """Choose covers anew, which lose at most this part of the gap each."""
        losing = loss * self._gap * self.bound * self._answers.scale
        found = self._choice.values(self.values, self.bound / (1 - self._gap), losing, self._clock, seed)
        for values in sorted(found, key=lambda values: evaluate(self._objective, values)):
            self._keep(self._cut(values))

    def _open(self) -> None:
        """Leave loads open that are mixed of several covers, and more of the others while that gives no plan."""
        mixed = self._decomposition.mixed
        covers = sorted(mixed.parts, key=lambda cover: mixed.parts[cover]) if mixed else []
        near = self._near()
        best = {cover.block: dict(cover.copies) for cover in covers}
        opened = [block for block in best if sum(cover.block == block for cover in covers) > 1]
        closed = sorted(best.keys() - opened, key=lambda block: (-len(near[block]), block))
        while self.values is None and not self._clock.ended():
            settled = {v: n for block in closed for v, n in best[block].items()}
            self._keep(self._cut(self._answer(self._remainder({number: near[number] for number in opened}, settled))))
            if not closed:
                return
            more = len(opened) + 1
            opened, closed = [*opened, *closed[:more]], closed[more:]

    def _chooser(self) -> CoverChoice:
        """What chooses covers in the outline, or else in the programme itself."""
        rows, left_out = self._decomposition.rows, frozenset[int]()
        if self._sketch:
            rows, left_out = SharedRows(self._sketch.rows, self._objective, self._blocks), self._sketch.left_out
        return CoverChoice(rows, left_out, self._decomposition, self._answers.costs)

    def _near(self) -> list[set[int]]:
        """The variables of each load that a plan near the bound may have."""
        limit = near_loss(self._gap, self.bound, len(self._blocks))
        return [
            {*block.variables[losses <= limit].tolist()}
            for block, losses in zip(self._blocks, self._answers.losses(), strict=True)
        ]

    def _remainder(self, opened: Mapping[int, set[int]], settled: Mapping[int, int]) -> Remainder:
        """What is left to decide: these variables of the open loads, and the nodes."""
        sketch = self._sketch or Outline(self._programme, frozenset())
        others = (int(variable) for variable in self._decomposition.rows.others)
        upper = {variable: self._programme.upper[variable] for variable in others if variable not in sketch.left_out}
        for number, near in opened.items():
            block = self._blocks[number]
            upper |= {v: block.most(place) for place, v in enumerate(block.variables.tolist()) if v in near}
        return remainder(sketch.rows, self._objective, settled, upper)

    def _answer(self, left: Remainder) -> tuple[int, ...] | None:
        """Values of all variables, found from the remainder."""
        gap = _PART * self._gap * self.bound / max(1, self.bound - left.settled_value)
        effort = replace(self._clock.left, gap=gap)
        found = mathopt_solver.minimise(left.programme, left.objective, effort, nodes=_NODES).values
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
