"""The nearest requests that can be met, each the smallest change along its own direction."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from planner.request import Request
from planner.solve.explain.added_gpus import fewest_added
from planner.solve.explain.requirement import with_workload
from planner.solve.explain.search import largest
from planner.solve.problem import Problem
from planner.units import count


@dataclass(frozen=True)
class Fix:
    """A change that makes the request feasible: `text` for people, `change` for programs, and the new request."""

    text: str
    change: dict[str, Any]
    request: Request


def fixes(problem: Problem, places: list[int]) -> Iterator[Fix]:
    """Yield a fix a direction: GPUs to add of each kind, then less context, fewer sequences."""
    for gpu in problem.inventory.gpu_kinds.values():
        if added := fewest_added(problem, gpu):
            yield Fix(
                f"add {count(added.gpus, f'{gpu.slug} GPU')} ({added.shorthand})",
                {"add_nodes": added.shorthand, "gpus": added.gpus},
                problem.request.model_copy(update={"add_nodes": added.shorthand}),
            )
    for place in places:
        yield from _lighter(problem, place)


def _lighter(problem: Problem, place: int) -> Iterator[Fix]:
    wanted = problem.request.models[place]
    full = wanted.workload.context or problem.variants[place][0].model.max_context
    for field, asked, text in (
        ("context", full, "{} tokens of context"),
        ("concurrency", wanted.workload.concurrency, "{} sequences at once"),
    ):

        def holds(number: int, field: str = field) -> bool:
            return problem.asking(with_workload(problem.request, place, **{field: number})).feasible

        most = largest(holds, 1, asked - 1) if asked > 1 else None
        if most:
            yield Fix(
                f"{wanted.model}: {text.format(f'{most:,}')} instead of {asked:,}",
                {f"models.{place}.workload.{field}": most},
                with_workload(problem.request, place, **{field: most}),
            )
