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
    """The `problem` whose programme has the columns, its `objective`, and what waits beside them."""

    def __init__(self, problem: Problem) -> None:
        self._whole = problem
        self._shapes = _sparse(problem)
        self._keys: dict[object, int] = {}
        self._candidates = [_Candidates(found, self._key) for found in self._shapes]
        self._fronts: list[Numbers] = []
        self._settle([])

    def hope(self) -> None:
        """Let the columns be the layouts that carry most for their slots, as if they carried all that they may."""
        self._settle([_hoped(layout) for one in self._candidates for layout in one.densest()])

    def begin(self, wanted: Wanted) -> None:
        """Let the columns be what is wanted, what is billed and densest on each island, and one for any kind of slots."""
        taken = self._named(wanted)
        self._settle([])
        seen = set[int]()
        for place, candidates in enumerate(self._candidates):
            for number in candidates.first(seen):
                seen.add(int(candidates.keys[number]))
                taken.append((place, number))
        self._take(list(dict.fromkeys(taken)))

    def take(self, wanted: Wanted) -> bool:
        """Bill what is wanted and make it columns; whether anything was wanted."""
        named = self._named(wanted)
        if named:
            self._take(named)
        return bool(named)

    def blocks(self) -> list[LoadBlock]:
        """The load of each model, with what waits."""
        self._fronts = [candidates.front() for candidates in self._candidates]
        return [self._block(place) for place in range(len(self._candidates))]

    def _key(self, shape: Shape) -> int:
        """Number of the slots of a shape and of who may take them."""
        return self._keys.setdefault((shape.slots[0], self._whole.rules.tenant(shape)), len(self._keys))

    def _named(self, wanted: Wanted) -> list[tuple[int, int]]:
        return [
            (place, int(self._fronts[place][number])) for place, numbers in wanted.items() for number in sorted(numbers)
        ]

    def _take(self, named: Sequence[tuple[int, int]]) -> None:
        columns = [*self._columns]
        layouts = [self._candidates[place].layouts[number] for place, number in named]
        asked = [(place, one) for (place, _), one in zip(named, layouts, strict=True) if isinstance(one, Promised)]
        billed = iter(_billed(self._whole, asked))
        for (place, number), layout in zip(named, layouts, strict=True):
            shape = next(billed) if isinstance(layout, Promised) else layout
            self._candidates[place].taken(number, shape)
            if shape is None:
                continue
            if isinstance(layout, Promised):
                self._shapes[place].fitting.append(shape)
            columns.append(shape)
        self._settle(columns)

    def _settle(self, columns: list[Shape]) -> None:
        self._columns = columns
        self._like: dict[int, tuple[int, int]] = {}
        for number, shape in enumerate(columns):
            self._like.setdefault(self._key(shape), (number, len(shape.slots)))
        self.problem = replace(self._whole, generated=Generated(tuple(self._shapes), tuple(columns)))
        self.objective: Terms = first_objective(self.problem.programme, self.problem.objective)

    def _block(self, place: int) -> LoadBlock:
        programme, candidates, front = self.problem.programme, self._candidates[place], self._fronts[place]
        terms = programme.carried(place, _NEED)
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
            ),
        )


class _Candidates:
    """The layouts of one model: slots of which kind (`keys`), how many, and what each carries, at most if promised."""

    def __init__(self, shapes: Shapes, key: Callable[[Shape], int]) -> None:
        self._billed = sorted(shapes.fitting, key=lambda shape: shape.rank)
        self.layouts: list[Shape | Promised] = [*self._billed, *shapes.promised]
        likes = [one.base if isinstance(one, Promised) else one for one in self.layouts]
        self.keys = _numbers(key(like) for like in likes)
        self.slots = _numbers(
            one.split.pipeline if isinstance(one, Promised) else len(one.slots) for one in self.layouts
        )
        self.carried = _numbers(
            one.sequences if isinstance(one, Promised) else one.capacity[_NEED] for one in self.layouts
        )
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

    def first(self, seen: Set[int]) -> list[int]:
        """Places of what is billed and carries most a GPU on its island, and of one for each kind of slots not `seen`."""
        best: dict[object, int] = {}
        others: dict[int, int] = {}
        for number, shape in enumerate(self._billed):
            island = shape.slots[0].island
            rate = shape.capacity[_NEED] / shape.gpus
            if island not in best or rate > self.carried[best[island]] / self._billed[best[island]].gpus:
                best[island] = number
            if int(self.keys[number]) not in seen:
                others.setdefault(int(self.keys[number]), number)
        return [*dict.fromkeys([*best.values(), *others.values()])]

    def taken(self, number: int, shape: Shape | None) -> None:
        """Note what a layout carries now that it is billed; it waits no more."""
        self._waits[number] = False
        self.carried[number] = shape.capacity[_NEED] if shape else 0


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

    return side_by_side(work, len(variants), _common(problem))


def _billed(problem: Problem, asked: Sequence[tuple[int, Promised]]) -> list[Shape | None]:
    """What was promised of each model, billed; None where it is refused or does not fit."""

    def work(number: int) -> Shape | None:
        place, one = asked[number]
        return problem.known.enumerated.billed(place, problem.request.models[place], one, problem.ground)

    if len(asked) < _MANY:
        return [work(number) for number in range(len(asked))]
    return side_by_side(work, len(asked), _common(problem))


def _common(problem: Problem) -> list[object]:
    """What both processes have."""
    variants = [variant for found in problem.variants for variant in found]
    return [*variants, *problem.ground.slots, *(kind.gpu for kind in problem.ground.slots)]
