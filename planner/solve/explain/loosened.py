"""Fixes that loosen a rule of the request: the budget, the GPUs allowed, where and how replicas may lie."""

from collections.abc import Iterator, Sequence
from math import ceil

from planner.request import Request
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import Blamed, with_model
from planner.solve.integer_programme import Terms
from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.outcome import Effort
from planner.solve.problem import Problem, read_problem

_RULES: dict[str, tuple[object, str]] = {
    "nodes": ([], "on any node"),
    "exclude_nodes": ([], "also on the excluded nodes"),
    "most_replicas": (None, "any number of replicas"),
    "least_replicas": (1, "any number of replicas"),
    "spread": (None, "replicas that are not spread"),
    "pack": (None, "replicas that are not packed"),
    "survive": (None, "a load that need not survive the loss of a node"),
}


def loosened(problem: Problem, places: Sequence[int], blamed: Blamed) -> Iterator[Fix]:
    """Yield the rules that alone stand in the way, with the least amounts that would do."""
    request = problem.request
    if (None, "max_usd_per_hour") in blamed:
        without = problem.asking(request.model_copy(update={"max_usd_per_hour": None}))
        if (least := _least(without, cost=True)) is not None:
            value = ceil(least * 100 / MICRO) / 100
            yield _whole(request, "max_usd_per_hour", value, f"spend ${value:,.2f} an hour")
    if (None, "max_gpus") in blamed:
        without = problem.asking(request.model_copy(update={"max_gpus": None}))
        if (least := _least(without, cost=False)) is not None:
            yield _whole(request, "max_gpus", least, f"use {least:,} GPUs")
    if request.exclude_nodes and _feasible(problem, request.model_copy(update={"exclude_nodes": []})):
        yield _whole(request, "exclude_nodes", [], "use the excluded nodes too")
    for place in places:
        for field, (free, words) in _RULES.items():
            if (place, field) not in blamed:
                continue
            freed = with_model(request, place, **{field: free})
            if _feasible(problem, freed):
                yield Fix(f"{request.models[place].model}: {words}", {f"models.{place}.{field}": free}, freed)


def _feasible(problem: Problem, request: Request) -> bool:
    return read_problem(request, known=problem.known).feasible


def _least(problem: Problem, *, cost: bool) -> int | None:
    if not all(found.fitting for found in problem.shapes):
        return None
    programme = problem.programme
    objective: Terms = programme.cost if cost else programme.gpus
    outcome = minimise(programme.rows, objective, Effort())
    return None if outcome.values is None else outcome.value


def _whole(request: Request, field: str, value: object, text: str) -> Fix:
    asked = getattr(request, field)
    instead = f" instead of {asked:,.12g}" if isinstance(asked, int | float) else ""
    return Fix(f"{text}{instead}", {field: value}, request.model_copy(update={field: value}))
