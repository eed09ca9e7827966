"""The wiring as a networkx graph: GPUs, the hubs that join them (switches, PCIe roots, sockets), the fabric.

Every GPU hangs on the hub of each island it belongs to; in a mesh it is also joined to each of its peers.
Nodes hang on the fabric, and on the hub of their NVLink domain where they share one. An edge holds `link`,
`gbps` (GB/s per direction) and `latency_us` (half of a send for an edge to a hub: two are crossed).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, TypeAlias

from planner.fleet.fabric import send_latency_us
from planner.fleet.inventory import Inventory
from planner.fleet.island import Island, LinkClass
from planner.fleet.node import Node

if TYPE_CHECKING:
    import networkx as nx

    Graph: TypeAlias = nx.Graph[str]

FABRIC = "fabric"


def topology(inventory: Inventory) -> "Graph":
    """Build the graph of a whole inventory; `wiring` does for some of its nodes."""
    return wiring(inventory.nodes)


def wiring(nodes: Iterable[Node]) -> "Graph":
    """Build the graph of some nodes; GPU vertices carry `kind` and `node`, hubs `link` and `size`."""
    import networkx as nx

    graph: nx.Graph[str] = nx.Graph()
    for node in nodes:
        for index, gpu in enumerate(node.gpus):
            device = node.device(index)
            graph.add_node(device, kind=gpu.slug, node=node.name)
            if node.network_gbps:
                _join(graph, device, FABRIC, LinkClass.NETWORK, node.network_gbps)
            if node.nvlink_domain and node.domain_gbps:
                hub = f"{node.nvlink_domain}/nvlink"
                _join(graph, device, hub, LinkClass.NVLINK, node.domain_gbps)
        for number, island in enumerate(node.islands):
            _add_island(graph, node, island, f"{node.name}/{island.name or island.link}{number}")
    return graph


def _add_island(graph: "Graph", node: Node, island: Island, hub: str) -> None:
    devices = [node.device(index) for index in island.gpus]
    graph.add_node(hub, link=str(island.link), node=node.name, size=island.size)
    for device in devices:
        _join(graph, device, hub, island.link, island.gbps)
    if island.pair_gbps is not None:
        graph.nodes[hub]["mesh"] = True
        for number, device in enumerate(devices):
            for peer in devices[number + 1 :]:
                _join(graph, device, peer, island.link, island.pair_gbps, hops=1)


def _join(graph: "Graph", one: str, other: str, link: LinkClass, gbps: float, hops: int = 2) -> None:
    if not graph.has_edge(one, other) or graph[one][other]["gbps"] < gbps:
        graph.add_edge(one, other, link=str(link), gbps=gbps, latency_us=send_latency_us(link) / hops)


def path_gbps(graph: "Graph", first: str, second: str) -> float:
    """Bandwidth of the widest link between two GPUs in GB/s per direction; 0 when none joins them.

    A mesh hub stands for what one GPU sends to all; between two, only their own link counts.
    """
    if graph.has_edge(first, second):
        return float(graph[first][second]["gbps"])
    common = set(graph[first]) & set(graph[second])
    widths = (min(graph[first][hub]["gbps"], graph[second][hub]["gbps"]) for hub in common)
    return max(widths, default=0.0)


def group_gbps(graph: "Graph", devices: Iterable[str]) -> float:
    """GB/s per direction that each GPU of a group gets while all talk: the widest hub that all of them share.

    In a mesh that is limited by the links to the others of the group. 0 when no hub joins all.
    """
    members = list(dict.fromkeys(devices))
    if len(members) < 2:
        return 0.0
    hubs = set.intersection(*(set(graph[device]) for device in members))
    return max((_hub_gbps(graph, hub, members) for hub in hubs if "kind" not in graph.nodes[hub]), default=0.0)


def _hub_gbps(graph: "Graph", hub: str, members: list[str]) -> float:
    narrowest = float(min(graph[device][hub]["gbps"] for device in members))
    if not graph.nodes[hub].get("mesh"):
        return narrowest
    links = [sum(graph[one][other]["gbps"] for other in members if graph.has_edge(one, other)) for one in members]
    return float(min(narrowest, *links))


def group_latency_us(graph: "Graph", devices: Iterable[str]) -> float:
    """Microseconds of a small send across the widest hub that all GPUs of a group share; 0 for a single one."""
    members = list(dict.fromkeys(devices))
    if len(members) < 2:
        return 0.0
    hubs = [hub for hub in set.intersection(*(set(graph[m]) for m in members)) if "kind" not in graph.nodes[hub]]
    best = max(sorted(hubs), key=lambda hub: _hub_gbps(graph, hub, members), default=None)
    return float(2 * graph[members[0]][best]["latency_us"]) if best else 0.0
