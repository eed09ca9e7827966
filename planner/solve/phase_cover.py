"""What replicas, prefill pools and decode pools carry together, as rows of a programme and as a sum.

On each way that caches go, pools carry what both of them can: s <= sum of the prefill workers' rates, s <= sum of
the decode workers' rates. A request that pools answer needs both, so s counts once; replicas that do both count as
they are. Sequences are held by whoever decodes. No pairing of single workers is needed: any may serve any.
"""

from collections.abc import Iterable, Mapping

from planner.phase import PHASES, Phase
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.kv_way import KvWay
from planner.solve.shape import Shape


def carried_by(rows: IntegerProgramme, copies: Iterable[tuple[Shape, Terms]], need: str) -> Adding:
    """Return what shapes carry of a need whose copies are counted by terms; adds rows where there are pools."""
    total = Adding()
    pools: dict[KvWay, dict[Phase, Adding]] = {}
    for shape, counted in copies:
        if shape.phase is None or shape.way is None or need == "sequences":
            into = total
        else:
            into = pools.setdefault(shape.way, {phase: Adding() for phase in PHASES})[shape.phase]
        for variable, count in counted.items():
            into.add(variable, count * shape.capacity[need])
    for _, by_phase in sorted(pools.items()):
        if not all(by_phase.values()):
            continue
        served = rows.variable()
        total.add(served, 1)
        for phase in PHASES:
            by_phase[phase].add(served, -1)
            rows.at_least(by_phase[phase], 0)
    return total


def carried_together(parts: Iterable[tuple[Phase | None, object, Mapping[str, int]]], need: str) -> int:
    """Return what replicas carry together of a need, given each one's phase, pair of pools and capacity."""
    total = 0
    pools: dict[object, dict[Phase, int]] = {}
    for phase, pair, capacity in parts:
        if phase is None or need == "sequences":
            total += capacity[need]
        else:
            pools.setdefault(pair, dict.fromkeys(PHASES, 0))[phase] += capacity[need]
    return total + sum(min(by_phase.values()) for by_phase in pools.values())
