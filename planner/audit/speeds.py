"""The speed of the replicas of a model, predicted anew on their devices."""

from collections.abc import Iterator, Sequence

from planner.audit.memory import sites
from planner.audit.subject import Subject
from planner.fleet.inventory import Inventory
from planner.fleet.island import LinkClass
from planner.memory.bill import Bill
from planner.memory.devices import Devices
from planner.solve.capacity import MILLI
from planner.solve.kv_way import KvWay
from planner.solve.replica_speed import replica_speeds
from planner.solve.shape import Shape
from planner.solve.variant import Variant


def speed_findings(subjects: Sequence[Subject], inventory: Inventory) -> Iterator[str]:
    """Yield what is written of the speed of replicas and is not what their layouts give, each with its stated part.

    A plan need not say how fast it is. To be asked of replicas that hold in all else.
    """
    known: dict[str, Shape] = {}
    shapes = []
    for subject in subjects:
        shape = _shape(subject, inventory)
        if shape is None:
            return
        key = f"{shape.layout.model_dump_json()} {shape.sites} {shape.phase} {shape.way} {shape.capacity} {shape.bill}"
        shapes.append(known.setdefault(key, shape))
    if not shapes:
        return
    for subject, truth in zip(subjects, replica_speeds(shapes, subjects[0].wanted.workload), strict=True):
        stated = subject.replica.speed
        for key, value in (stated or {}).items():
            if truth is None or value != truth.get(key):
                yield f"{subject.label}: speed.{key} is {value} in the plan and {(truth or {}).get(key)} recomputed"


def _shape(subject: Subject, inventory: Inventory) -> Shape | None:
    places = sites(subject, inventory)
    if places is None:
        return None
    replica, pair = subject.replica, subject.pair
    stated = replica.capacity
    rates = {"requests": stated.requests_per_second, "tokens": stated.tokens_per_second}
    return Shape(
        wanted=subject.place,
        variant=Variant(subject.model, subject.engine, subject.wanted.limits),
        layout=replica.layout,
        slots=(),
        sites=tuple(places),
        bill=Bill(Devices(), stated.kv_cache_tokens, 0.0, stated.sequences),
        capacity={"sequences": stated.sequences}
        | {need: round(rate * MILLI) for need, rate in rates.items() if rate is not None},
        phase=replica.phase,
        way=KvWay("", LinkClass(pair.kv_link), pair.kv_gbps) if pair else None,
    )
