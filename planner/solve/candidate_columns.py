"""The columns of a large fleet's programme, and the layouts that may become columns."""

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import replace

import numpy as np

from planner.solve.covering_knapsack import Numbers
from planner.solve.enumerate_shapes import Shapes
from planner.solve.generated import Generated
from planner.solve.integer_programme import Terms
from planner.solve.load_block import LoadBlock, Waiting
from planner.solve.objectives import first_objective
from planner.solve.problem import Problem
from planner.solve.promised import Promised
from planner.solve.shape import Shape
from planner.solve.side_by_side import side_by_side

_NEED = "sequences"
_MANY = 100
"""From so many bills on they are shared out between two processes."""

Wanted = Mapping[int, Set[int]]
"""Places in what waits for each load."""


class CandidateColumns:
    """The `problem` whose programme has the columns, its `objective`, and what waits beside them.

    At first the columns are the layouts that carry most for their slots, as if they carried all that they may.
    """

    def __init__(self, problem: Problem) -> None:
        self._whole = problem
        self._shapes = _sparse(problem)
        self._keys: dict[object, int] = {}
        self._candidates = [_Candidates(found, self._key) for found in self._shapes]
        self._fronts: list[Numbers] = []
        hoped = [_hoped(layout) for one in self._candidates for layout in one.densest()]
        self._settle(hoped, hoping=True)

    def begin(self, wanted: Wanted) -> None:
        """Let the columns be what is wanted and what is billed: for each kind of slots, and for each model and island.

        The rows of the programme stay what they were.
        """
        first = [[*candidates.first()] for candidates in self._candidates]
        known: dict[int, tuple[int, int]] = {}
        for place, candidates in enumerate(self._candidates):
            for number in range(candidates.shapes):
                known.setdefault(int(candidates.keys[number]), (place, number))
        named = [
            *(known[key] for key in self._like),
            *((p, n) for p, numbers in enumerate(first) for n in numbers),
            *self._named(wanted),
        ]
        self._settle(self._taken(dict.fromkeys(named)))

    def take(self, wanted: Wanted) -> bool:
        """Make columns of what is wanted, all of which is billed; whether anything was."""
        named = self._named(wanted)
        if named:
            self._settle([*self._columns, *self._taken(named)])
        return bool(named)

    def bill(self, wanted: Wanted) -> dict[int, LoadBlock]:
        """Bill what waits for loads, by its place there; return their blocks as they are then."""
        named = self._named(wanted)
        layouts = ((place, self._candidates[place].layouts[number]) for place, number in named)
        asked = [(place, layout) for place, layout in layouts if isinstance(layout, Promised)]
        for (place, number), shape in zip(named, _billed(self._whole, asked), strict=True):
            self._candidates[place].bill(number, shape)
            if shape is not None:
                self._shapes[place].fitting.append(shape)
        return {place: self._renewed(place) for place in wanted}

    def blocks(self) -> list[LoadBlock]:
        """The load of each model, with what waits."""
        self._fronts = [candidates.front() for candidates in self._candidates]
        return [self._block(place) for place in range(len(self._candidates))]

    def _renewed(self, place: int) -> LoadBlock:
        self._fronts[place] = self._candidates[place].front()
        return self._block(place)

    def _key(self, shape: Shape) -> int:
        """Number of the slots of a shape and of who may take them."""
        return self._keys.setdefault((shape.slots[0], self._whole.rules.tenant(shape)), len(self._keys))

    def _named(self, wanted: Wanted) -> list[tuple[int, int]]:
        return [
            (place, int(self._fronts[place][number])) for place, numbers in wanted.items() for number in sorted(numbers)
        ]

    def _taken(self, named: Iterable[tuple[int, int]]) -> list[Shape]:
        return [self._candidates[place].take(number) for place, number in named]

    def _settle(self, columns: list[Shape], *, hoping: bool = False) -> None:
        self._columns = columns
        self._hoping = hoping
        self._like: dict[int, tuple[int, int]] = {}
        for number, shape in enumerate(columns):
            self._like.setdefault(self._key(shape), (number, len(shape.slots)))
        self.problem = replace(self._whole, generated=Generated(tuple(self._shapes), tuple(columns)))
        self.objective: Terms = first_objective(self.problem.programme, self.problem.objective)

    def _block(self, place: int) -> LoadBlock:
        programme, candidates, front = self.problem.programme, self._candidates[place], self._fronts[place]
        terms = {} if self._hoping else programme.carried(place, _NEED)
        like = [self._like[key] for key in candidates.keys[front].tolist()]
        return LoadBlock(
            programme.load_rows[place, _NEED],
            _numbers(terms),
            _numbers(terms.values()),
            self._whole.needs[place][_NEED],
            Waiting(
                _numbers(programme.replicas[number] for number, _ in like),
                candidates.slots[front],
                _numbers(slots for _, slots in like),
                candidates.carried[front],
                candidates.billed[front],
            ),
        )


class _Candidates:
    """The layouts of one model: slots of which kind (`keys`), how many, and what each carries, at most if promised."""

    def __init__(self, shapes: Shapes, key: Callable[[Shape], int]) -> None:
        self._billed = sorted(shapes.fitting, key=lambda shape: shape.rank)
        self.shapes = len(self._billed)
        self.layouts: list[Shape | Promised] = [*self._billed, *shapes.promised]
        likes = [one.base if isinstance(one, Promised) else one for one in self.layouts]
        self.keys = _numbers(key(like) for like in likes)
        self.slots = _numbers(
            one.split.pipeline if isinstance(one, Promised) else len(one.slots) for one in self.layouts
        )
        self.carried = _numbers(
            one.sequences if isinstance(one, Promised) else one.capacity[_NEED] for one in self.layouts
        )
        self.billed = np.array([not isinstance(one, Promised) for one in self.layouts])
        self._waits = np.ones(len(self.layouts), dtype=bool)

    def front(self) -> Numbers:
        """Places of what waits, but for what another carries as much as on no more of the same slots."""
        order = np.lexsort((-self.carried, self.slots, self.keys))
        ranked = self.keys[order] * (int(self.carried.max(initial=0)) + 1) + self.carried[order]
        before = np.maximum.accumulate(np.concatenate(([-1], ranked[:-1])))
        found: Numbers = order[(ranked > before) & (self.carried[order] > 0)]
        return found[self._waits[found]]

    def densest(self) -> list[Shape | Promised]:
        """What carries most for its slots, of each kind of slots."""
        order = np.lexsort((self.slots, -self.carried / self.slots, self.keys))
        _, firsts = np.unique(self.keys[order], return_index=True)
        return [self.layouts[number] for number in order[firsts].tolist()]

    def first(self) -> list[int]:
        """Places of what was billed at first and carries most a GPU on its island."""
        best: dict[object, int] = {}
        for number in range(self.shapes):
            shape = self._billed[number]
            island = shape.slots[0].island
            rate = shape.capacity[_NEED] / shape.gpus
            if island not in best or rate > self.carried[best[island]] / self._billed[best[island]].gpus:
                best[island] = number
        return [*best.values()]

    def bill(self, number: int, shape: Shape | None) -> None:
        """Note what came of a promise: what is carried, nothing where it is refused or does not fit."""
        self.billed[number] = True
        self.carried[number] = 0 if shape is None else shape.capacity[_NEED]
        if shape is not None:
            self.layouts[number] = shape

    def take(self, number: int) -> Shape:
        """Return a billed layout, which waits no more."""
        self._waits[number] = False
        layout = self.layouts[number]
        assert isinstance(layout, Shape)
        return layout


def _hoped(layout: Shape | Promised) -> Shape:
    """A shape that carries all that is promised."""
    if not isinstance(layout, Promised):
        return layout
    base, stages = layout.base, layout.split.pipeline
    longer = base.layout.model_copy(update={"pipeline_parallel_size": stages})
    return replace(base, layout=longer, slots=base.slots[:1] * stages, capacity={_NEED: layout.sequences})


def _numbers(found: Iterable[int]) -> Numbers:
    return np.fromiter(found, dtype=np.int64)


def _sparse(problem: Problem) -> list[Shapes]:
    """The shapes of each model, of which the longer pipelines are promised."""
    enumerated, variants = problem.known.enumerated, problem.variants

    def work(place: int) -> Shapes:
        return enumerated.sparse(place, problem.request.models[place], variants[place][0], problem.ground)

    return problem.of_each_model(work)


def _billed(problem: Problem, asked: Sequence[tuple[int, Promised]]) -> list[Shape | None]:
    """What was promised of each model, billed; None where it is refused or does not fit."""

    def work(number: int) -> Shape | None:
        place, one = asked[number]
        return problem.known.enumerated.billed(place, problem.request.models[place], one, problem.ground)

    if len(asked) < _MANY:
        return [work(number) for number in range(len(asked))]
    return side_by_side(work, len(asked), problem.looked_up)
