"""What is minimised, one thing after the other: each objective only chooses among the best of those before it."""

from collections.abc import Iterator

from planner.request import Minimised
from planner.solve.answer_time import answer_microseconds
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import Terms
from planner.solve.keeping import bytes_kept

_HEADROOM_UNIT = 2**20
_MOST = 10**6
_TIMED_SHAPES = 500
"""Shapes of which the time of an answer is predicted, a millisecond or two each."""


def objectives(programme: FleetProgramme, name: Minimised) -> Iterator[Terms]:
    """Yield the objectives in order: cost, GPUs, nodes, least changed models, then the more desirable replicas.

    Those that break ties are made when they are asked for, which takes time.

    On GPUs that are shared no more replicas than are needed: they cost nothing there.

    Where an earlier plan runs, the weights that stay where they are come right after the first.
    """
    yield first_objective(programme, name)
    if programme.keepers:
        yield bytes_kept(programme.keepers)
    if name == "cost":
        yield programme.gpus
    yield programme.nodes_used
    for ties in (changes, on_shares, preference, canonical):
        if terms := ties(programme):
            yield terms


def first_objective(programme: FleetProgramme, name: Minimised) -> Terms:
    """Return what is minimised before all else: the cost, or the GPUs."""
    return programme.cost if name == "cost" else programme.gpus


def preference(programme: FleetProgramme) -> Terms:
    """Of plans with as many GPUs: the soonest answers, averaged over the GPUs; where unknown, most headroom.

    The time of an answer is that of each layout alone under the whole load. Of many layouts it is not asked for.
    """
    times = _answer_times(programme)
    if times:
        weights = [shape.gpus * time // 1000 for shape, time in zip(programme.shapes, times, strict=True)]
    else:
        weights = [-(shape.headroom // _HEADROOM_UNIT) for shape in programme.shapes]
    largest = max((abs(weight) for weight in weights), default=0)
    unit = largest // _MOST + 1
    return {variable: weight // unit for variable, weight in zip(programme.replicas, weights, strict=True)}


def _answer_times(programme: FleetProgramme) -> list[int]:
    """Microseconds of an answer on each shape; none where one is unknown or they are too many to ask."""
    times: list[int] = []
    if not programme.loads or len(programme.shapes) > _TIMED_SHAPES:
        return times
    for shape in programme.shapes:
        time = answer_microseconds(shape, dict(programme.needs[shape.wanted]), programme.loads[shape.wanted])
        if time is None:
            return []
        times.append(time)
    return times


def changes(programme: FleetProgramme) -> Terms:
    """Replicas, times what is different about them from what was asked for."""
    counts = {
        variable: len(shape.variant.changes)
        for shape, variable in zip(programme.shapes, programme.replicas, strict=True)
    }
    return counts if any(counts.values()) else {}


def on_shares(programme: FleetProgramme) -> Terms:
    """Replicas on a share of a GPU."""
    return {v: 1 for shape, v in zip(programme.shapes, programme.replicas, strict=True) if shape.parts}


def canonical(programme: FleetProgramme) -> Terms:
    """Of plans that are as good in every way: replicas and nodes of the kinds that are listed first."""
    terms = dict(zip(programme.replicas, range(len(programme.replicas)), strict=True))
    return terms | dict(zip(programme.nodes, range(len(programme.nodes)), strict=True))
