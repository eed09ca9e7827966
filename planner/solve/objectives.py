"""What is minimised, one thing after the other: each objective only chooses among the best of those before it."""

from planner.request import ObjectiveName
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import Terms
from planner.solve.keeping import bytes_kept

_HEADROOM_UNIT = 2**20
_MOST = 10**6


def objectives(programme: FleetProgramme, name: ObjectiveName) -> list[Terms]:
    """Return the objectives in order: cost, GPUs, nodes, least changed models, then the more desirable replicas.

    Where an earlier plan runs, the weights that stay where they are come right after the first.
    """
    first = [programme.cost] if name == "cost" else []
    if programme.keepers:
        first = [*(first or [programme.gpus]), bytes_kept(programme.keepers)]
    ties = [changes(programme), preference(programme), canonical(programme)]
    return [*first, programme.gpus, programme.nodes_used, *(terms for terms in ties if terms)]


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


def changes(programme: FleetProgramme) -> Terms:
    """Replicas, times what is different about them from what was asked for."""
    counts = {
        variable: len(shape.variant.changes)
        for shape, variable in zip(programme.shapes, programme.replicas, strict=True)
    }
    return counts if any(counts.values()) else {}


def canonical(programme: FleetProgramme) -> Terms:
    """Of plans that are as good in every way: replicas and nodes of the kinds that are listed first."""
    terms = dict(zip(programme.replicas, range(len(programme.replicas)), strict=True))
    return terms | dict(zip(programme.nodes, range(len(programme.nodes)), strict=True))
