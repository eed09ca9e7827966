"""The minimal clashing set: requirements that cannot be had together, none of which can be left out of the set."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from planner.request import Request
from planner.solve.explain.requirement import Blamed, Requirement, requirements
from planner.solve.lexicographic import minimise
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.units import count

T = TypeVar("T")


def clash(problem: Problem) -> tuple[list[int], list[Requirement]]:
    """Return the places of the models and the requirements that clash on the nodes of an infeasible problem.

    Models are left out whole first; then, of those that stay, every requirement that can be given up
    without making the rest feasible. What remains is minimal: without any one of it there is a plan.
    """
    request = problem.request
    places = list(range(len(request.models)))

    def models_clash(kept: Sequence[int]) -> bool:
        return bool(kept) and not problem.asking(only(request, kept)).feasible

    places = minimal(places, models_clash)
    small = only(request, places)
    asked = requirements(small)

    def asked_clash(kept: Sequence[Requirement]) -> bool:
        relaxed = small
        for requirement in asked:
            if requirement not in kept:
                relaxed = requirement.given_up(relaxed)
        return not problem.asking(relaxed).feasible

    found = minimal(asked, asked_clash)
    return places, [replace(r, model=None if r.model is None else places[r.model]) for r in found]


def clashes(problem: Problem, blamed: Blamed) -> bool:
    """Whether the `blamed` requirements clash on these nodes when all others are given up."""
    relaxed = problem.request
    for requirement in requirements(relaxed):
        if (requirement.model, requirement.kind) not in blamed:
            relaxed = requirement.given_up(relaxed)
    return not problem.asking(relaxed).feasible


def taken_alone(problem: Problem, places: Sequence[int]) -> list[str]:
    """Say how many GPUs each of several models takes at least when it has all nodes to itself."""
    if len(places) < 2:
        return []
    words = []
    for place in places:
        alone = problem.asking(only(problem.request, [place]))
        least = minimise(alone.programme.rows, alone.programme.gpus, Effort())
        if least.values is not None:
            words.append(f"{problem.request.models[place].model} at least {count(least.value, 'GPU')}")
    return (
        [f"alone each would take, of {count(problem.inventory.gpu_count, 'GPU')}: {', '.join(words)}"] if words else []
    )


def minimal(items: Sequence[T], clashes: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return a subset that clashes and of which no part does (QuickXplain, Junker, AAAI 2004).

    `clashes` must hold for all items, and for every superset of a set for which it holds.
    """
    return _explain([], False, list(items), clashes) if items and not clashes([]) else []


def _explain(ground: list[T], grown: bool, items: list[T], clashes: Callable[[Sequence[T]], bool]) -> list[T]:
    if grown and clashes(ground):
        return []
    if len(items) == 1:
        return items
    first, second = items[: len(items) // 2], items[len(items) // 2 :]
    right = _explain([*ground, *first], bool(first), second, clashes)
    left = _explain([*ground, *right], bool(right), first, clashes)
    return [*left, *right]


def only(request: Request, places: Sequence[int]) -> Request:
    """Return the request with some of its models."""
    return request.model_copy(update={"models": [request.models[place] for place in places]})
