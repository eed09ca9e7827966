"""The speed of each replica under its part of the load, for the plan document."""

from collections.abc import Sequence
from typing import Any

from planner.errors import BadInput
from planner.solve.capacity import arrives, held_sequences
from planner.solve.phase_speed import phase_speed
from planner.solve.pool_pairs import carried_rate, pool_shares, rate
from planner.solve.shape import Shape
from planner.speed.predict import predict
from planner.speed.traffic import traffic
from planner.workload import Workload


def replica_speeds(shapes: Sequence[Shape], workload: Workload) -> list[dict[str, Any] | None]:
    """Return the `speed` entry of each replica; None where the GPU's rates are unknown.

    Every replica takes the part of the load that it carries of what all carry together.
    """
    pooled = any(shape.phase for shape in shapes)
    rates = [_rate(shape, workload) for shape in shapes]
    total = carried_rate(shapes, workload) if pooled and arrives(workload) else sum(rates)
    shares = pool_shares(shapes, workload) if pooled else {}
    found: dict[int, dict[str, Any] | None] = {}
    for shape, able in zip(shapes, rates, strict=True):
        if id(shape) not in found:
            if shape.phase is not None and shape.way is not None:
                found[id(shape)] = phase_speed(shape, workload, shares[shape.way, shape.phase])
            else:
                found[id(shape)] = _speed(shape, _part(workload, able / total if total else 0.0))
    return [found[id(shape)] for shape in shapes]


def _rate(shape: Shape, workload: Workload) -> float:
    """What the load is divided by: requests a second where a rate is asked for, else sequences."""
    if arrives(workload):
        return rate(shape, workload)
    return float(held_sequences(shape.layout, shape.bill))


def _part(workload: Workload, share: float) -> Workload:
    changes: dict[str, object] = {"concurrency": max(1, round(workload.concurrency * share))}
    asked = workload.requests_per_second
    if asked is None and workload.tokens_per_second is not None:
        asked = workload.tokens_per_second / traffic(workload).output
    if asked is not None:
        changes["requests_per_second"] = asked * share
    return workload.model_copy(update=changes)


def _speed(shape: Shape, workload: Workload) -> dict[str, Any] | None:
    try:
        return predict(shape.variant.model, shape.layout, shape.sites, shape.variant.engine, workload).document()
    except BadInput:
        return None
