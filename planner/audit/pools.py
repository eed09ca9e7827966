"""Prefill and decode pools: whether their workers may be such, belong together, and carry what is said."""

from collections import Counter
from collections.abc import Iterator, Sequence

from planner.audit.loads import together
from planner.audit.subject import Subject
from planner.engines.phase_options import PHASE_OPTIONS, can_separate
from planner.errors import BadInput, UnknownName
from planner.fleet.inventory import Inventory
from planner.fleet.island import LinkClass
from planner.fleet.site import Site, site_of
from planner.memory.bill import Bill
from planner.plan_document import PoolPair
from planner.solve.capacity import MILLI, Capacity, arrives
from planner.solve.kv_way import KvWay
from planner.solve.phases import phase_capacity
from planner.speed.traffic import traffic

_ROUNDING = 1e-9


def phase_findings(subject: Subject) -> Iterator[str]:
    """Yield why a worker may not be one of a pool."""
    phase, layout, engine = subject.replica.phase, subject.replica.layout, subject.engine.name
    if phase is None:
        return
    if not subject.wanted.allow.disaggregation:
        yield f"{subject.label}: the request does not allow prefill and decode apart"
    if not can_separate(engine, layout):
        yield f"{subject.label}: {engine} cannot {phase} only as {layout.label()}"
    elif not PHASE_OPTIONS[engine][phase].items() <= layout.options.items():
        yield f"{subject.label}: its options do not tell {engine} to {phase} only"


def worker_capacity(subject: Subject, sites: Sequence[Site], bill: Bill) -> Capacity:
    """What a worker carries in its phase; nothing when it belongs to no pair of pools."""
    pair, workload, phase = subject.pair, subject.wanted.workload, subject.replica.phase
    if pair is None or phase is None:
        return dict.fromkeys(("sequences", "requests", "tokens"), 0)
    way = KvWay("", LinkClass(pair.kv_link), pair.kv_gbps)
    return phase_capacity(
        subject.model, subject.replica.layout, tuple(sites), subject.engine, workload, bill, phase, way
    )


def pool_findings(carried: Sequence[tuple[Subject, Capacity]], inventory: Inventory) -> Iterator[str]:
    """Yield workers of one model in no pair or several, pairs wider than their ways, and rates that are not so."""
    if not carried:
        return
    deployment = carried[0][0].deployment
    listed = Counter(number for pair in deployment.pools for number in (*pair.prefill, *pair.decode))
    by_number = {subject.number: (subject, capacity) for subject, capacity in carried}
    for number, (subject, _) in by_number.items():
        if listed[number] != (subject.replica.phase is not None):
            yield f"{subject.label}: is in {listed[number]} pairs of pools"
    for place, pair in enumerate(deployment.pools):
        yield from _pair_findings(f"{deployment.model} pools {place}", pair, by_number, inventory)


def _pair_findings(
    label: str, pair: PoolPair, by_number: dict[int, tuple[Subject, Capacity]], inventory: Inventory
) -> Iterator[str]:
    numbers = {"prefill": pair.prefill, "decode": pair.decode}
    for phase, mine in numbers.items():
        if any(n not in by_number or by_number[n][0].replica.phase != phase for n in mine):
            yield f"{label}: lists replicas that do not {phase}"
            return
    members = [by_number[number] for number in (*pair.prefill, *pair.decode)]
    if not members:
        yield f"{label}: have no workers"
        return
    workload = members[0][0].wanted.workload
    by_tokens = workload.requests_per_second is None and workload.tokens_per_second is not None
    able = together(members, "tokens" if by_tokens else "requests") / MILLI
    able /= traffic(workload).output if by_tokens else 1
    if pair.requests_per_second > able * (1 + _ROUNDING):
        yield f"{label}: carry {able:g} requests/s, not {pair.requests_per_second:g}"
    asked = sum(capacity["requests"] for subject, capacity in members if subject.replica.phase == "decode")
    if not arrives(workload) and asked > able * MILLI * (1 + _ROUNDING):
        yield f"{label}: decode workers ask for {asked / MILLI:g} prompts a second, prefill workers compute {able:g}"
    if narrow := _narrowest(pair, by_number, inventory):
        yield f"{label}: caches go over {narrow.link} at {narrow.gbps:g} GB/s, not {pair.kv_link} at {pair.kv_gbps:g}"


def _narrowest(pair: PoolPair, by_number: dict[int, tuple[Subject, Capacity]], inventory: Inventory) -> KvWay | None:
    """A way between two of the workers that is worse than stated, if any."""
    for sender in {tuple(by_number[number][0].devices) for number in pair.prefill}:
        for receiver in {tuple(by_number[number][0].devices) for number in pair.decode}:
            try:
                site = site_of(inventory, sender, receiver)
            except (UnknownName, BadInput):
                continue
            slower = list(LinkClass).index(site.next_link) > list(LinkClass).index(LinkClass(pair.kv_link))
            if slower or site.next_gbps < pair.kv_gbps * (1 - _ROUNDING):
                return KvWay("", site.next_link, site.next_gbps)
    return None
