"""Limits of an engine that a user fixed and that stand in the way: the nearest values that would do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from planner.layout import Layout
from planner.request import ModelRequest, Request
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import LIMITS, Blamed, with_limit
from planner.solve.explain.search import largest, smallest
from planner.solve.problem import Problem

_BLOCKS = (1, 8, 16, 32, 64, 128, 256)
"""Tokens of a block that engines know."""
_HUNDREDTHS = (99, 95, 90, 80, 70, 60, 50, 40, 30, 20, 10)
"""Parts of a device that are tried for one that will do, after the engine's own."""


@dataclass(frozen=True)
class _Fixed:
    """A limit in steps of `1 / per_unit`; `likely` are steps of which one may do, the engine's own first."""

    field: str
    per_unit: int
    likely: Callable[[ModelRequest, Layout], Sequence[int]]
    steps: Sequence[int] = ()

    def value(self, steps: int) -> float | int:
        """The number after so many steps."""
        return steps if self.per_unit == 1 else steps / self.per_unit


_LIMITS = (
    _Fixed(
        "max_num_seqs",
        1,
        lambda wanted, usual: (min(wanted.workload.concurrency, usual.max_num_seqs), usual.max_num_seqs, 1),
    ),
    _Fixed("max_num_batched_tokens", 1, lambda _, usual: (usual.max_num_batched_tokens,)),
    _Fixed(
        "memory_fraction",
        100,
        lambda _, usual: (round(100 * usual.memory_fraction), *_HUNDREDTHS),
    ),
    _Fixed("block_size", 1, lambda _, usual: _BLOCKS, _BLOCKS),
)


def limits_moved(problem: Problem, place: int, blamed: Blamed) -> Iterator[Fix]:
    """Yield for each limit that is to blame the value nearest to what was asked for that makes a plan possible."""
    wanted = problem.request.models[place]
    for limit in _LIMITS:
        if (place, limit.field) not in blamed:
            continue
        asked = getattr(wanted.limits, limit.field)
        steps = _nearest(problem, place, limit, asked)
        if steps is not None:
            value = limit.value(steps)
            words = f"{LIMITS[limit.field].format(f'{value:,.12g}')} instead of {asked:,.12g}"
            change = {f"models.{place}.limits.{limit.field}": value}
            yield Fix(f"{wanted.model}: {words}", change, _with(problem.request, place, limit, steps))


def _nearest(problem: Problem, place: int, limit: _Fixed, asked: float) -> int | None:
    """Steps nearest to what was asked for; None where none that is likely will do."""

    @cache
    def holds(steps: int) -> bool:
        return problem.asking(_with(problem.request, place, limit, steps)).feasible

    if limit.steps:
        return next(
            (s for s in sorted(limit.steps, key=lambda s: (abs(s - asked), s)) if s != asked and holds(s)), None
        )
    here = asked * limit.per_unit
    will_do = next((s for s in _likely(problem, place, limit) if s != here and holds(s)), None)
    if will_do is None:
        return None
    if will_do > here:
        return smallest(holds, int(here) + 1, will_do, int(here) + 1)
    return largest(holds, will_do, -int(-here // 1) - 1, -int(-here // 1) - 1)


def _likely(problem: Problem, place: int, limit: _Fixed) -> Sequence[int]:
    wanted, variant = problem.request.models[place], problem.variants[place][0]
    free = variant.limits.model_copy(update={limit.field: None})
    found: list[int] = []
    for gpu in problem.inventory.gpu_kinds.values():
        usual = variant.engine.layout(variant.model, gpu, free, tensor=1, pipeline=1, data=1, expert_parallel=False)
        found += limit.likely(wanted, usual)
    return list(dict.fromkeys(found))


def _with(request: Request, place: int, limit: _Fixed, steps: int) -> Request:
    return with_limit(request, place, limit.field, limit.value(steps))
