"""Node classes: nodes that are alike but for their name are one class with a count."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from planner.fleet.node import Node
from planner.fleet.node_group import NodeGroup, NodeList
from planner.solve.pool import Pool, pools

MICRO = 10**6


@dataclass(frozen=True)
class NodeClass:
    """Nodes with the same GPUs, islands and price.

    `realm` is the zone that a replica on them stays inside. `copies` is how many there may be where they
    have no names yet. Only with `networked` does the network between nodes tell slots apart.
    """

    nodes: Sequence[Node]
    pools: tuple[tuple[Pool, int], ...]
    realm: str = ""
    copies: int | None = None
    networked: bool = True

    @property
    def example(self) -> Node:
        """Any of the nodes."""
        return self.nodes[0]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.nodes) if self.copies is None else self.copies

    @property
    def node_price(self) -> int:
        """Price of a node in use, whatever of it is used, in millionths of a dollar an hour."""
        return micro_dollars(self.example.usd_per_hour)

    @property
    def gpu_price(self) -> int:
        """Price of each GPU in use, in millionths of a dollar an hour."""
        return micro_dollars(self.example.usd_per_gpu_hour)


def micro_dollars(usd: float | None) -> int:
    """Dollars as written, in whole millionths; an unstated price counts as nothing."""
    return round(Fraction(str(usd)) * MICRO) if usd is not None else 0


def node_classes(
    groups: Sequence[NodeGroup], tag: Callable[[Node], Hashable] = lambda node: None, *, networked: bool = True
) -> list[NodeClass]:
    """Group nodes by what matters to a plan, and by `tag`, in order of first appearance."""
    classes: dict[Hashable, list[NodeGroup]] = {}
    for group in groups:
        node = group.like
        key = (
            node.gpus,
            node.islands,
            node.usd_per_hour,
            node.usd_per_gpu_hour,
            node.network_gbps,
            node.used_bytes,
            node.reserved,
            node.zone,
            tag(node),
        )
        classes.setdefault(key, []).append(group)
    return [node_class(NodeList(members), networked=networked) for members in classes.values()]


def node_class(nodes: Sequence[Node], copies: int | None = None, *, networked: bool = True) -> NodeClass:
    """Make one class of nodes that are alike."""
    realm = nodes[0].zone or ""
    alike: dict[object, list[Pool]] = {}
    for pool in pools(nodes[0], realm, networked=networked):
        alike.setdefault(pool.pattern, []).append(pool)
    return NodeClass(nodes, tuple((found[0], len(found)) for found in alike.values()), realm, copies, networked)
