"""What is minimised, one thing after the other: each objective only chooses among the best of those before it."""

from planner.request import ObjectiveName
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import Terms

_HEADROOM_UNIT = 2**20
_MOST = 10**6


def objectives(programme: FleetProgramme, name: ObjectiveName) -> list[Terms]:
    """Return the objectives in order: cost, GPUs, nodes, then the more desirable replicas."""
    first = [programme.cost] if name == "cost" else []
    return [*first, programme.gpus, programme.nodes_used, preference(programme), canonical(programme)]


def preference(programme: FleetProgramme) -> Terms:
    """Of plans with as many GPUs: the lowest latency, averaged over the GPUs; where it is unknown, most headroom."""
    shapes = programme.shapes
    if all(shape.latency_us is not None for shape in shapes):
        weights = [shape.gpus * (shape.latency_us or 0) // 1000 for shape in shapes]
    else:
        weights = [-(shape.headroom // _HEADROOM_UNIT) for shape in shapes]
    largest = max((abs(weight) for weight in weights), default=0)
    unit = largest // _MOST + 1
    return {variable: weight // unit for variable, weight in zip(programme.replicas, weights, strict=True)}


def canonical(programme: FleetProgramme) -> Terms:
    """Of plans that are as good in every way: replicas and nodes of the kinds that are listed first."""
    terms = dict(zip(programme.replicas, range(len(programme.replicas)), strict=True))
    return terms | dict(zip(programme.nodes, range(len(programme.nodes)), strict=True))
