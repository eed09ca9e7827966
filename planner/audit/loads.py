"""Whether the replicas of a model carry its load within the targets, also after the loss of any node."""

from collections.abc import Iterator, Mapping, Sequence

from planner.audit.subject import Subject
from planner.fleet.inventory import Inventory
from planner.solve.capacity import MILLI, Capacity, needs
from planner.solve.phase_cover import carried_together


def load_findings(carried: Sequence[tuple[Subject, Capacity]], inventory: Inventory) -> Iterator[str]:
    """Yield every part of the load of one model that its replicas do not carry."""
    if not carried:
        return
    first = carried[0][0]
    for need, asked in needs(first.wanted.workload).items():
        total = together(carried, need)
        if total < asked:
            yield f"{first.deployment.model}: carries {_amount(need, total)} of the {_amount(need, asked)} asked for"
        elif first.wanted.survive:
            left = _left(carried, need, inventory)
            worst = min(left, key=lambda name: left[name], default=None)
            if worst is not None and left[worst] < asked:
                some = _amount(need, left[worst])
                yield f"{first.deployment.model}: carries {some} of {_amount(need, asked)} without {worst}"


def rate_findings(subject: Subject, able: Capacity) -> Iterator[str]:
    """Yield rates that a replica is said to carry, and does not, or of which nothing is asked for."""
    stated = subject.replica.capacity
    for need, rate in (("requests", stated.requests_per_second), ("tokens", stated.tokens_per_second)):
        if (rate is None) != (need not in able) or (rate or 0.0) > able.get(need, 0) / MILLI:
            yield f"{subject.label}: carries {_amount(need, able.get(need, 0))}, not {rate}"


def together(carried: Sequence[tuple[Subject, Capacity]], need: str) -> int:
    """What replicas carry together; pools of one pair carry what both can."""
    parts = [(subject.replica.phase, id(subject.pair), capacity) for subject, capacity in carried]
    return int(carried_together(parts, need))


def _left(carried: Sequence[tuple[Subject, Capacity]], need: str, inventory: Inventory) -> Mapping[str, int]:
    """What is carried without each node: with it go all replicas that touch it."""
    touched = [set(subject.nodes(inventory)) for subject, _ in carried]
    return {
        name: together([one for one, nodes in zip(carried, touched, strict=True) if name not in nodes], need)
        for name in sorted(set().union(*touched))
    }


def _amount(need: str, amount: int) -> str:
    return f"{amount:,} sequences" if need == "sequences" else f"{amount / MILLI:g} {need} a second"
