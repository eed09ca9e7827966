"""The speed of a worker of a pool under its part of the load, for the plan document."""

from typing import Any

from planner.errors import BadInput
from planner.solve.pool_pairs import rate
from planner.solve.shape import Shape
from planner.speed.phase_rates import DecodeWorker, PrefillWorker, worker
from planner.speed.traffic import traffic
from planner.workload import Workload


def phase_speed(shape: Shape, workload: Workload, share: float) -> dict[str, Any] | None:
    """Return the `speed` entry when the worker takes `share` of the rate that it can carry; None where unknown."""
    load, variant = traffic(workload), shape.variant
    taken = rate(shape, workload) * share
    pool = worker(shape.layout, shape.sites)
    try:
        if shape.phase == "prefill" and shape.way is not None:
            way = shape.way
            able = PrefillWorker(variant.model, pool, variant.engine, load, way.link, way.gbps)
            return able.document(taken)
        return DecodeWorker(variant.model, pool, variant.engine, load).document(taken)
    except BadInput:
        return None
