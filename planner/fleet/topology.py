"""The wiring as a networkx graph: GPUs, the switches that join them, and the fabric between nodes.

Every GPU hangs on the hub of each island it belongs to, and every node on the fabric; an edge holds
`gbps`, GB/s per direction. The widest path between two GPUs is then what a transfer between them gets.
"""

from typing import TYPE_CHECKING

from planner.fleet.inventory import Inventory

if TYPE_CHECKING:
    import networkx as nx

FABRIC = "fabric"


def topology(inventory: Inventory) -> "nx.Graph[str]":
    """Build the graph; GPU vertices carry `kind`, hubs carry `link`."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    for node in inventory.nodes:
        for index, gpu in enumerate(node.gpus):
            graph.add_node(node.device(index), kind=gpu.slug, node=node.name)
            if node.network_gbps:
                graph.add_edge(node.device(index), FABRIC, gbps=node.network_gbps)
        for number, island in enumerate(node.islands):
            hub = f"{node.name}/{island.link}{number}"
            graph.add_node(hub, link=str(island.link), node=node.name)
            graph.add_edges_from((node.device(index), hub, {"gbps": island.gbps}) for index in island.gpus)
    return graph


def path_gbps(graph: "nx.Graph[str]", first: str, second: str) -> float:
    """Bandwidth of the widest path between two GPUs in GB/s per direction; 0 when none joins them."""
    common = set(graph[first]) & set(graph[second])
    return max((min(graph[first][hub]["gbps"], graph[second][hub]["gbps"]) for hub in common), default=0.0)
