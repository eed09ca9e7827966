"""Prefill and decode pools of a placed plan: which replicas belong together, and what part each takes."""

from collections.abc import Sequence

from planner.phase import PHASES, Phase
from planner.plan_document import PoolPair
from planner.solve.capacity import MILLI, arrives
from planner.solve.kv_way import KvWay
from planner.solve.phase_cover import carried_together
from planner.solve.shape import Shape
from planner.speed.traffic import traffic
from planner.workload import Workload


def pool_pairs(shapes: Sequence[Shape], workload: Workload) -> list[PoolPair]:
    """Return the pools of one model, whose replicas are listed in order; those of one way make a pair."""
    by_way: dict[KvWay, list[int]] = {}
    for number, shape in enumerate(shapes):
        if shape.way is not None:
            by_way.setdefault(shape.way, []).append(number)
    found = []
    for way, numbers in sorted(by_way.items()):
        carried = carried_rate([shapes[number] for number in numbers], workload)
        found.append(
            PoolPair(
                prefill=[number for number in numbers if shapes[number].phase == "prefill"],
                decode=[number for number in numbers if shapes[number].phase == "decode"],
                kv_link=way.link.value,
                kv_gbps=way.gbps,
                requests_per_second=carried,
            )
        )
    return found


def pool_shares(shapes: Sequence[Shape], workload: Workload) -> dict[tuple[KvWay, Phase], float]:
    """Return for each pool what its workers do of what they could.

    Under a rate all replicas and pools take an equal part of it; else decode workers run all that they may.
    """
    part = 1.0
    if arrives(workload):
        asked = workload.requests_per_second or (workload.tokens_per_second or 0.0) / traffic(workload).output
        part = asked / carried_rate(shapes, workload)
    found = {}
    for way in {shape.way for shape in shapes if shape.way is not None}:
        mine = [shape for shape in shapes if shape.way == way]
        served = carried_rate(mine, workload)
        for phase in PHASES:
            able = sum(rate(shape, workload) for shape in mine if shape.phase == phase)
            found[way, phase] = part * served / able if able else 0.0
    return found


def rate(shape: Shape, workload: Workload) -> float:
    """Requests a second that a replica or a worker carries."""
    if workload.requests_per_second is None and workload.tokens_per_second is not None:
        return shape.capacity["tokens"] / MILLI / traffic(workload).output
    return shape.capacity["requests"] / MILLI


def carried_rate(shapes: Sequence[Shape], workload: Workload) -> float:
    """Requests a second that replicas and pools carry together."""
    parts = [(shape.phase, shape.way, {"requests": rate(shape, workload)}) for shape in shapes]
    return carried_together(parts, "requests")
