"""Other layouts that would do: each by itself, the cheapest first."""

from collections.abc import Collection, Sequence

from planner.solve.explain.gpu_price import gpu_price
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.solve.shape import Shape

_MOST_PRICED = 12
"""Layouts whose exact cost is solved for; each takes about as long as drawing a line of the table."""


def alternatives(problem: Problem, chosen: Collection[str], most: int = 3) -> list[dict[str, object]]:
    """Return layouts other than the `chosen` labels of which one replica carries the load of a lone model.

    They come by cost (that of the nodes they take, exactly) where the cost is minimised, else by GPUs.
    """
    if len(problem.request.models) > 1:
        return []
    alike: dict[str, list[Shape]] = {}
    for shape in problem.shapes[0].fitting:
        able = all(shape.capacity[need] >= asked for need, asked in problem.needs[0].items())
        if shape.phase is None and able and shape.label not in chosen:
            alike.setdefault(shape.label, []).append(shape)
    groups = sorted(alike.values(), key=lambda shapes: (shapes[0].gpus, -shapes[0].headroom, shapes[0].rank))
    if problem.objective != "cost":
        return [_entry(shapes[0], None) for shapes in groups[:most]]
    likely = sorted(groups, key=lambda shapes: _at_least(problem, shapes[0]))[:_MOST_PRICED]
    priced = [(cost, shapes[0]) for shapes in likely if (cost := _cost(problem, shapes)) is not None]
    priced.sort(key=lambda pair: (pair[0], pair[1].gpus, pair[1].rank))
    return [_entry(shape, cost) for cost, shape in priced[:most]]


def _at_least(problem: Problem, shape: Shape) -> float:
    """What its GPUs cost where every node is shared out to the last one."""
    return sum(gpu_price(problem.inventory, site.gpu.slug) or 0.0 for site in shape.sites)


def _cost(problem: Problem, shapes: Sequence[Shape]) -> float | None:
    """USD an hour of the load on these shapes alone; None where the rules of the request leave no room for it."""
    programme = FleetProgramme(shapes, problem.classes, problem.needs, problem.rules)
    outcome = minimise(programme.rows, programme.cost, Effort())
    return None if outcome.values is None else outcome.value / MICRO


def _entry(shape: Shape, cost: float | None) -> dict[str, object]:
    return {
        "layout": shape.layout.label(),
        "gpu": " + ".join(gpu.slug for gpu in shape.gpu_kinds),
        "gpus": shape.gpus,
        "sequences": shape.capacity["sequences"],
        "usd_per_hour": cost,
    }
