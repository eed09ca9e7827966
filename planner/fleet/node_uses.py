"""The nodes that a plan uses, as it writes them down: what they are, how they are wired, what they cost."""

from collections import Counter
from collections.abc import Iterable

from planner.errors import UnknownName
from planner.fleet.inventory import Inventory
from planner.fleet.node import Node
from planner.plan_document import IslandUse, NodeUse


def node_uses(inventory: Inventory, devices: Iterable[str]) -> list[NodeUse]:
    """Return the nodes of the devices in use, in the order in which they first appear; unknown devices are left out."""
    nodes: dict[str, Node] = {}
    used: Counter[str] = Counter()
    for device in dict.fromkeys(devices):
        try:
            node, _ = inventory.locate(device)
        except UnknownName:
            continue
        nodes[node.name] = node
        used[node.name] += 1
    return [_use(node, used[name]) for name, node in nodes.items()]


def _use(node: Node, used: int) -> NodeUse:
    offer = node.offer
    return NodeUse(
        name=node.name,
        instance=f"{offer.cloud}:{offer.instance_type}" if offer else None,
        region=(offer.region or None) if offer else None,
        spot=bool(offer and offer.spot),
        gpus={node.device(index).partition("/")[2]: gpu.slug for index, gpu in enumerate(node.gpus)},
        gpus_used=used,
        usd_per_hour=round(node.cost(used), 6) if node.priced else None,
        price_basis=node.price_basis,
        islands=[
            IslandUse(
                gpus=[node.device(index).partition("/")[2] for index in island.gpus],
                link=island.link.value,
                gbps=island.gbps,
                name=island.name,
            )
            for island in node.islands
        ],
        network_gbps=node.network_gbps,
    )
