"""Whether the replicas of a model carry its load within the targets, also after the loss of any node."""

from collections.abc import Iterator, Mapping, Sequence

from planner.audit.subject import Subject
from planner.fleet.inventory import Inventory
from planner.solve.capacity import MILLI, Capacity, needs


def load_findings(carried: Sequence[tuple[Subject, Capacity]], inventory: Inventory) -> Iterator[str]:
    """Yield every part of the load of one model that its replicas do not carry."""
    if not carried:
        return
    first = carried[0][0]
    for need, asked in needs(first.wanted.workload).items():
        total = sum(capacity[need] for _, capacity in carried)
        if total < asked:
            yield f"{first.deployment.model}: carries {_amount(need, total)} of the {_amount(need, asked)} asked for"
        elif first.wanted.survive:
            lost = _lost(carried, need, inventory)
            worst = max(lost, key=lambda name: lost[name], default=None)
            if worst is not None and total - lost[worst] < asked:
                left = _amount(need, total - lost[worst])
                yield f"{first.deployment.model}: carries {left} of {_amount(need, asked)} without {worst}"


def _lost(carried: Sequence[tuple[Subject, Capacity]], need: str, inventory: Inventory) -> Mapping[str, int]:
    """What goes with each node: all replicas that touch it."""
    lost: dict[str, int] = {}
    for subject, capacity in carried:
        for name in subject.nodes(inventory):
            lost[name] = lost.get(name, 0) + capacity[need]
    return lost


def _amount(need: str, amount: int) -> str:
    return f"{amount:,} sequences" if need == "sequences" else f"{amount / MILLI:g} {need} a second"
