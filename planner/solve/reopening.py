"""A plan near the bound of a decomposition: loads are opened again, some at a time, around the best plan so far.

All loads are opened at once, to choose among the covers that cost least (whole_choice.py). Where that finds no plan,
most loads are covered as the decomposition does in one way, and how the others are, with the numbers of nodes, is a
choice among whole covers (cover_choice.py), or else of copies of single layouts near the bound. Then some loads are
opened around the best plan (neighbourhood.py), some times before all are again: those more often that pay more than the
bound has them pay. All limits are counts of work, so that the answer is the same on every machine.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil, log

from planner.solve import mathopt_solver
from planner.solve.clock import Clock
from planner.solve.cover_choice import CoverChoice
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.neighbourhood import Neighbourhoods
from planner.solve.outline import Outline
from planner.solve.remainder import Remainder, remainder
from planner.solve.shared_rows import SharedRows
from planner.solve.whole_choice import WholeChoice

_NEAR, _SHARES = 0.15, 7.5
"""Layouts are tried whose plans exceed the bound by at most this part of the gap, and so many even shares of a load."""
_ROUNDS = 150
"""How often loads are opened again."""
_BESIDE = 10
"""Loads whose covers are chosen at first beside those that are mixed of several."""
_COVERS = 60
"""Covers that each of them is chosen among."""
_AROUND = (*(((12, 20), 600), ((15, 30), 600)) * 4, *(((18, 30), 1500), ((22, 45), 2000)) * 3)
"""Loads that are opened at the same time in two ways, among how many covers, in turn, before all are covered anew."""
_A_TURN = 1 + len(_AROUND)
_EVEN = 1.0
"""Part of what all loads pay beyond the bound that is shared evenly among them as they are drawn."""
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
            self._anew(0, dice)
        if self.values is None:
            self._first()
        if self.values is None and self._sketch:
            self._look_in(None)
            self._first()
        for number in range(1, _ROUNDS):
            if self.values is None or not self._blocks or self.near_enough or self._clock.ended():
                return
            turn, place = divmod(number, _A_TURN)
            if place == 0:
                self._anew(turn, dice)
            else:
                self._around(self.values, *_AROUND[place - 1], dice)

    def _look_in(self, sketch: Outline | None) -> None:
        """Look for plans in the outline, or else in the programme itself."""
        self._sketch = sketch
        rows, left_out = self._decomposition.rows, frozenset[int]()
        if sketch:
            rows, left_out = SharedRows(sketch.rows, self._objective, self._blocks), sketch.left_out
        losing = self._gap * self.bound * self._answers.scale
        self._choice = CoverChoice(rows, left_out, self._decomposition, self._answers.costs, losing, self._gap)
        whole = self._whole_choice = WholeChoice(rows, left_out, self._decomposition, self._answers.costs)
        self._neighbourhoods = Neighbourhoods(rows, whole.pools, whole.chooser, self._answers.scale)

    def _first(self) -> None:
        """Leave loads open that are mixed of several covers, and more of the others while that gives no plan."""
        mixed = self._decomposition.mixed
        covers = sorted(mixed.parts, key=lambda cover: mixed.parts[cover]) if mixed else []
        best = {cover.block: dict(cover.copies) for cover in covers}
        opened = [block for block in best if sum(cover.block == block for cover in covers) > 1]
        closed = sorted(best.keys() - opened, key=lambda block: (-len(self._near[block]), block))
        settled = {v: n for block in closed[_BESIDE:] for v, n in best[block].items()}
        self._keep(self._cut(self._choice.values([*opened, *closed[:_BESIDE]], settled, _COVERS, self._clock, 1)))
        while self.values is None and not self._clock.ended():
            settled = {v: n for block in closed for v, n in best[block].items()}
            self._keep(self._cut(self._answer(self._remainder(opened, settled))))
            if not closed:
                return
            more = len(opened) + 1
            opened, closed = [*opened, *closed[:more]], closed[more:]

    def _anew(self, turn: int, dice: random.Random) -> None:
        """Cover all loads anew at once; each turn covers may lose more."""
        losing = (_LOSS + _MORE * turn) * self._gap * self.bound * self._answers.scale
        self._whole_choice.draw(self.values or (), losing, dice.randrange(_SEEDS))
        self._keep_best(self._whole_choice.anew(self.values or (), self._target, self._clock, dice.randrange(_SEEDS)))

    def _around(self, values: Sequence[int], loads: Sequence[int], covers: int, dice: random.Random) -> None:
        """Cover some loads anew around the others as they are, so many in each way, among so many covers."""
        openings = self._openings(values, loads, dice)
        known, seed = self._whole_choice.drawn, dice.randrange(_SEEDS)
        found = self._neighbourhoods.around(values, openings, known, covers, self._target, self._clock, seed)
        self._keep_best(found)

    @property
    def _target(self) -> float:
        """Plans that cost no more are near enough."""
        return self.bound / (1 - self._gap)

    def _keep_best(self, found: Sequence[tuple[int, ...]]) -> None:
        """Keep the best plan, if it is better and nodes can be cut for it, else the next one."""
        for each in sorted(found, key=lambda each: evaluate(self._objective, each)):
            self._keep(self._cut(each))

    def _openings(self, values: Sequence[int], loads: Sequence[int], dice: random.Random) -> list[list[int]]:
        """For each way so many loads, drawn by what they pay beyond the bound (Efraimidis and Spirakis, 2006)."""
        paid = [max(0.0, beyond) for beyond in self._answers.paid(values)]
        least = max(1.0, sum(paid)) * _EVEN / len(paid)
        return [
            sorted(range(len(paid)), key=lambda number: -log(1 - dice.random()) / (least + paid[number]))[:many]
            for many in loads
        ]

    def _remainder(self, opened: Sequence[int], settled: Mapping[int, int]) -> Remainder:
        """What is left to decide: the open loads, with layouts near the bound, and the nodes."""
        sketch = self._sketch or Outline(self._programme, frozenset())
        others = (int(variable) for variable in self._decomposition.rows.others)
        upper = {variable: self._programme.upper[variable] for variable in others if variable not in sketch.left_out}
        for number in opened:
            block = self._blocks[number]
            wanted = {*self._near[number]}
            upper |= {v: block.most(place) for place, v in enumerate(block.variables.tolist()) if v in wanted}
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
