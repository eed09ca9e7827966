"""Node classes: nodes that are alike but for their name are one class with a count."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.node import Node


@dataclass(frozen=True)
class NodeClass:
    """Nodes with the same GPUs, islands and price."""

    nodes: tuple[Node, ...]

    @property
    def example(self) -> Node:
        """Any of the nodes."""
        return self.nodes[0]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.nodes)


def node_classes(nodes: Sequence[Node]) -> list[NodeClass]:
    """Group nodes by what matters to a plan, in order of first appearance."""
    groups: dict[object, list[Node]] = {}
    for node in nodes:
        key = (
            node.gpus,
            node.islands,
            node.usd_per_hour,
            node.network_gbps,
            node.used_bytes,
            node.rack,
            node.zone,
        )
        groups.setdefault(key, []).append(node)
    return [NodeClass(tuple(members)) for members in groups.values()]
