"""The latency targets at which a plan changes: the tightest that the same cost keeps, the first that lowers it."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from planner.solve.explain.least_taken import as_number, in_words, least_taken
from planner.solve.explain.requirement import with_workload
from planner.solve.explain.search import smallest
from planner.solve.problem import Problem

_TARGETS = {"ttft_ms": "a first token within {:,.12g} ms", "tpot_ms": "{:,.12g} ms a token"}
_TARGETS |= {"answer_ms": "answers within {:,.12g} ms"}


def target_flips(problem: Problem, place: int, value: int) -> Iterator[dict[str, Any]]:
    """Yield an entry for each target of a model: how tight it may be, and how loose it must be to lower the cost."""
    wanted = problem.request.models[place]
    same = "same price" if problem.objective == "cost" else "same number of GPUs"
    for field, words in _TARGETS.items():
        asked = getattr(wanted.workload, field)
        if asked is None:
            continue
        entry: dict[str, Any] = {"model": wanted.model, "target": field}
        tightest = _tightest(problem, place, field, asked, value)
        if tightest is not None:
            entry |= {"down_to": tightest, "then": None}
            text = f"{wanted.model}: the {same} keeps {words.format(tightest)}"
            then = _least(problem, place, field, tightest - 1) if tightest > 1 else None
            if then is not None:
                entry["then"] = as_number(problem, then)
                text += f"; 1 ms less takes {in_words(problem, then)}"
            yield entry | {"text": text if then is not None else f"{text}; these nodes keep nothing tighter"}
        if (looser := _looser(problem, place, field, asked, value)) is not None:
            lower, least = looser
            yield {
                "model": wanted.model,
                "target": field,
                "from": lower,
                "then": as_number(problem, least),
                "text": f"{wanted.model}: {words.format(lower)} would take {in_words(problem, least)}",
            }


def _tightest(problem: Problem, place: int, field: str, asked: float, value: int) -> int | float | None:
    """Whole milliseconds, or what was asked for where even the next lower whole number takes more."""

    @cache
    def keeps(ms: int) -> bool:
        return _asking(problem, place, field, ms).within(value)

    most = int(asked) if asked == int(asked) else int(asked) + 1
    found = smallest(lambda ms: ms == most or keeps(ms), 1, most, most * 3 // 4)
    return asked if found is None or found > asked else found


def _looser(problem: Problem, place: int, field: str, asked: float, value: int) -> tuple[int, int] | None:
    """Whole milliseconds from which on a plan takes less, and what it takes then; None where no target does."""
    free = _least(problem, place, field, None)
    if free is None or free >= value:
        return None

    @cache
    def saves(ms: int) -> bool:
        return _asking(problem, place, field, ms).within(value - 1)

    first, last = int(asked) + 1, 2 * int(asked) + 2
    while not saves(last):
        first, last = last, 2 * last
    ms = smallest(saves, first, last, (first + last) // 2)
    least = None if ms is None else _least(problem, place, field, ms)
    return None if ms is None or least is None else (ms, least)


def _asking(problem: Problem, place: int, field: str, ms: float | None) -> Problem:
    return problem.asking(with_workload(problem.request, place, **{field: ms}))


def _least(problem: Problem, place: int, field: str, ms: float | None) -> int | None:
    """What the cheapest plan takes with another target."""
    changed = _asking(problem, place, field, ms)
    return None if changed.out_of_reach else least_taken(changed)
