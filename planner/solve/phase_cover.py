"""What replicas, prefill pools and decode pools carry together, as rows of a programme and as a sum.

Under a rate, pools carry on each way that caches go what both of them can: s <= sum of the prefill workers' rates,
s <= sum of the decode workers' rates. A request that pools answer needs both, so s counts once; replicas that do both
count as they are. Where requests are always in flight instead, decode workers carry their sequences, and the prefill
workers of the way must keep up with what these ask for. No pairing of single workers is needed: any may serve any.
"""

from collections.abc import Iterable, Iterator, Mapping

from planner.phase import PHASES, Phase
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.kv_way import KvWay
from planner.solve.shape import Shape

Copies = Iterable[tuple[Shape, Terms]]
"""Shapes, and the terms that count the copies of each."""


def carried_by(rows: IntegerProgramme, copies: Copies, need: str, *, keep_up: bool = False) -> Adding:
    """Return what copies carry of a need; adds rows where there are pools.

    With `keep_up` prefill workers must keep up with the sequences of the decode workers.
    """
    copies, total = list(copies), Adding()
    for shape, counted in copies:
        if shape.phase is None or need == "sequences":
            _add(total, counted, shape.capacity[need])
    if need != "sequences":
        for _, pools in _pools(copies, need):
            served = rows.variable()
            total.add(served, 1)
            for able in pools.values():
                able.add(served, -1)
                rows.at_least(able, 0)
    elif keep_up:
        for _, pools in _pools(copies, "requests"):
            _add(pools["prefill"], pools["decode"], -1)
            rows.at_least(pools["prefill"], 0)
    return total


def _pools(copies: Copies, need: str) -> Iterator[tuple[KvWay, dict[Phase, Adding]]]:
    """Each way with what the pools on it can do of a need."""
    found: dict[KvWay, dict[Phase, Adding]] = {}
    for shape, counted in copies:
        if shape.phase is not None and shape.way is not None:
            pools = found.setdefault(shape.way, {phase: Adding() for phase in PHASES})
            _add(pools[shape.phase], counted, shape.capacity[need])
    yield from sorted(found.items())


def _add(total: Adding, terms: Terms, times: int) -> None:
    for variable, count in terms.items():
        total.add(variable, count * times)


def carried_together(parts: Iterable[tuple[Phase | None, object, Mapping[str, float]]], need: str) -> float:
    """Return what replicas carry together of a need, given each one's phase, pair of pools and capacity."""
    total = 0.0
    pools: dict[object, dict[Phase, float]] = {}
    for phase, pair, capacity in parts:
        if phase is None or need == "sequences":
            total += capacity[need]
        else:
            pools.setdefault(pair, dict.fromkeys(PHASES, 0.0))[phase] += capacity[need]
    return total + sum(min(by_phase.values()) for by_phase in pools.values())
