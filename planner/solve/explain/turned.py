"""Fixes that turn one number of a request just as far as it must be turned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from typing import Any

from planner.request import Request
from planner.solve.explain.alone import alone
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import Blamed, least_context, with_model, with_workload
from planner.solve.explain.search import largest, smallest
from planner.solve.load_knob import LOAD_KNOBS, Near, nearly_most
from planner.solve.problem import FAR_PARTS, MANY_GPUS, Problem
from planner.units import ceil_div
from planner.workload import Workload

_MOST_MS = 600_000
_DIGITS = 3
"""Digits that are found of a load far beyond the GPUs or for very many: the last sequence of a million is hard to prove
and nothing to anybody."""


@dataclass(frozen=True)
class Knob:
    """A number of a workload: in steps of `1 / per_unit`, to be turned down, or up for a latency."""

    field: str
    per_unit: int
    words: str
    up: bool = False

    def value(self, steps: int) -> float | int:
        """The number after so many steps."""
        return steps if self.per_unit == 1 else steps / self.per_unit

    def instead(self, value: float, asked: float) -> str:
        """`64 sequences at once instead of 100`."""
        words = self.words.format(f"{value:,.12g}")
        if value == 1:
            words = words.replace("sequences", "sequence").replace("tokens of", "token of")
        return f"{words} instead of {asked:,.12g}"


_KNOBS = (
    Knob("context", 1, "{} tokens of context"),
    Knob("concurrency", 1, "{} sequences at once"),
    Knob("requests_per_second", 100, "{} requests/s"),
    Knob("tokens_per_second", 1, "{} output tokens/s"),
    Knob("ttft_ms", 1, "a first token within {} ms", up=True),
    Knob("tpot_ms", 1, "{} ms a token", up=True),
    Knob("answer_ms", 1, "answers within {} ms", up=True),
)

_LOADS = tuple(knob for knob in _KNOBS if knob.field in {load.field for load in LOAD_KNOBS})


def turned(problem: Problem, place: int, blamed: Blamed | None = None) -> Iterator[Fix]:
    """Yield, for each number of the load of a model, the least change of it alone that makes a plan possible.

    Only the `blamed` numbers, where it is known which are.
    """
    for knob in _KNOBS:
        asked = _asked(problem, place, knob)
        if asked is None or (blamed is not None and (place, knob.field) not in blamed):
            continue
        single = replace(problem, shallow=True) if _too_many_layouts(problem) else problem
        steps = _steps(single, place, knob, asked)
        if steps is None and single is not problem:
            single, steps = problem, _steps(problem, place, knob, asked)
        if steps is not None:
            value = knob.value(steps)
            words = knob.instead(value, asked)
            words += ", without pipelines" if single is not problem else ""
            yield Fix(
                f"{problem.request.models[place].model}: {words}",
                _change(problem.request, place, knob, steps),
                _with(problem.request, place, knob, steps),
                shallow=single.shallow,
            )


def _too_many_layouts(problem: Problem) -> bool:
    """Whether loads are looked for without pipelines: far beyond all GPUs, and where each of many nodes counts alone.

    What carries most over many nodes that are told apart takes minutes to prove with all pipelines that may lie on
    them, and is nothing to one who asked for more than ten times of it.
    """
    return problem.many_told_apart and problem.beyond_a_part(FAR_PARTS)


def turned_together(problem: Problem, places: Sequence[int], *, loads: bool = False) -> Fix | None:
    """Return one fix that turns several numbers, where no single one will do; None where all together will not.

    With `loads` only how much is asked for is turned, not how long or how soon.

    All are turned as far as they go, then brought back one after the other as near to what was asked for as the
    rest allows: each is the least change beside the others.
    """
    turning = _LOADS if loads else _KNOBS
    knobs = [(place, knob) for place in places for knob in turning if _asked(problem, place, knob) is not None]
    request = problem.request
    for place, knob in knobs:
        request = _with(request, place, knob, _MOST_MS if knob.up else _least(request, place, knob))
    if not problem.asking(request).feasible:
        return None
    words: list[str] = []
    changes: dict[str, Any] = {}
    for place, knob in knobs:
        asked = _asked(problem, place, knob) or 0
        restored = with_workload(request, place, **{knob.field: asked})
        if problem.asking(restored).feasible:
            request = restored
            continue
        steps = _steps(replace(problem, request=request), place, knob, asked)
        if steps is not None:
            request = _with(request, place, knob, steps)
            words.append(knob.instead(knob.value(steps), asked))
            changes |= _change(problem.request, place, knob, steps)
    return Fix(" and ".join(words), changes, request)


def _asked(problem: Problem, place: int, knob: Knob) -> float | int | None:
    workload: Workload = problem.request.models[place].workload
    if knob.field == "context":
        return workload.context or problem.variants[place][0].model.max_context
    found: float | int | None = getattr(workload, knob.field)
    return found


def _steps(problem: Problem, place: int, knob: Knob, asked: float) -> int | None:
    @cache
    def holds(steps: int) -> bool:
        return problem.asking(_with(problem.request, place, knob, steps)).feasible

    if knob.up:
        first, last = int(asked) + 1, _MOST_MS
        return smallest(holds, first, last, _soonest(problem, place, knob)) if first <= last and holds(last) else None
    first, last = _least(problem.request, place, knob), ceil(asked * knob.per_unit) - 1
    if last < first:
        return None
    load = next((load for load in LOAD_KNOBS if load.field == knob.field), None)
    near = nearly_most(problem, place, load) if load else Near(0, last)
    rough = problem.gpus > MANY_GPUS or problem.beyond_a_part(FAR_PARTS)
    grain = 10 ** max(0, len(str(near.guess)) - _DIGITS) if rough else 1
    low, high = ceil_div(first, grain), min(last, near.never_more) // grain
    found = largest(lambda grains: holds(grains * grain), low, high, near.guess // grain or None)
    return found * grain if found else first if holds(first) else None


def _soonest(problem: Problem, place: int, knob: Knob) -> int:
    """Milliseconds that a single request takes on the layout where it takes least: where the search begins."""
    load, found = problem.request.models[place].workload, problem.shapes[place]
    speeds = (alone(shape, load) for shape in (*found.fitting, *found.slow) if shape.phase is None)
    times = [
        speed.answer_ms(load) if knob.field == "answer_ms" else getattr(speed, knob.field) for speed in speeds if speed
    ]
    return ceil(min(times, default=_MOST_MS))


def _least(request: Request, place: int, knob: Knob) -> int:
    """Steps below which a number makes no sense: a context holds a request and its answer."""
    return least_context(request.models[place].workload) if knob.field == "context" else 1


def _change(request: Request, place: int, knob: Knob, steps: int) -> dict[str, Any]:
    """The fields that `_with` changes: a shorter context also lifts what else holds sequences to a length."""
    wanted, changes = request.models[place], {f"models.{place}.workload.{knob.field}": knob.value(steps)}
    if knob.field != "context":
        return changes
    lifted: dict[str, Any] = {}
    if wanted.limits.max_model_len is not None:
        lifted[f"models.{place}.limits.max_model_len"] = None
    if wanted.allow.context_down_to is not None and wanted.allow.context_down_to > steps:
        lifted[f"models.{place}.allow.context_down_to"] = steps
    return changes | lifted


def _with(request: Request, place: int, knob: Knob, steps: int) -> Request:
    value = knob.value(steps)
    changed = with_workload(request, place, **{knob.field: value})
    floor = request.models[place].allow.context_down_to
    if knob.field == "context" and floor is not None:
        allow = request.models[place].allow.model_copy(update={"context_down_to": min(floor, steps)})
        changed = with_model(changed, place, allow=allow)
    return changed
