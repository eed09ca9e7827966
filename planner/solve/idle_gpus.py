"""GPUs that stay idle on nodes in use: how many, why, and what of the nodes' price they stand for."""

from collections import Counter
from collections.abc import Sequence

from planner.solve.placement import Placed
from planner.units import count

_NAMED = 3


def idle_gpus(placed: Sequence[Placed]) -> list[str]:
    """Return a line about the idle GPUs of the nodes in use; none when all are used."""
    nodes = {name: node for replica in placed for name, node in replica.nodes.items()}
    taken = {(slot.node.name, gpu) for replica in placed for slot in replica.slots for gpu in slot.gpus}
    used = Counter(name for name, _ in taken)
    idle = {name: len(node.usable) - used[name] for name, node in nodes.items() if len(node.usable) > used[name]}
    if not idle:
        return []
    some = ", ".join(f"{number} on {name}" for name, number in list(idle.items())[:_NAMED])
    more = " ..." if len(idle) > _NAMED else ""
    line = f"{count(sum(idle.values()), 'GPU')} of the nodes in use stay idle ({some}{more}): the load needs no more"
    paid = sum((nodes[name].usd_per_hour or 0) * number / len(nodes[name].usable) for name, number in idle.items())
    return [f"{line}; their part of the nodes' price is ${paid:,.2f} an hour" if paid else line]
