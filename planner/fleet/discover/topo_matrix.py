"""The matrix of `nvidia-smi topo -m`: which GPUs NVLink joins, and which share a PCIe switch or a socket.

Codes between two GPUs: NV# is a bond of # NVLinks; PIX and PXB stay below one PCIe root, PHB and NODE within a
NUMA node, SYS crosses sockets (legend of the tool).
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from planner.errors import BadInput
from planner.fleet.discover.found import FoundIsland
from planner.fleet.gpu import Gpu

_CODES = re.compile(r"X|NV\d{1,3}|PIX|PXB|PHB|NODE|SYS|SOC|PSB|C2C|N/A")
_ROOT, _SOCKET = ("PIX", "PXB", "PSB"), ("PIX", "PXB", "PSB", "PHB", "NODE")
_BLINK = re.compile("\x1b\\[[0-9;]*m")
_MOST = 1024


@dataclass(frozen=True)
class TopoMatrix:
    """Codes between GPUs, by index."""

    codes: tuple[tuple[str, ...], ...]

    @property
    def size(self) -> int:
        """Number of GPUs."""
        return len(self.codes)

    def links(self, one: int, other: int) -> int:
        """NVLinks between two GPUs; 0 when none joins them."""
        code = self.codes[one][other]
        return int(code[2:]) if code.startswith("NV") else 0

    def joined(self, how: Callable[[int, int], bool]) -> list[tuple[int, ...]]:
        """Groups of GPUs that chains of such pairs connect, in order of their first."""
        import networkx as nx

        graph: nx.Graph[int] = nx.Graph()
        graph.add_nodes_from(range(self.size))
        graph.add_edges_from(pair for pair in combinations(range(self.size), 2) if how(*pair))
        return sorted(tuple(sorted(group)) for group in nx.connected_components(graph))


def read_topo(text: str, where: str) -> TopoMatrix:
    """Read the matrix; raises BadInput when there is none, or when its rows do not fit its columns."""
    lines = [_BLINK.sub("", line) for line in text.splitlines()]
    columns = 0
    rows: dict[int, list[str]] = {}
    for line in lines:
        words = line.split()
        if not columns and "GPU0" in words and "X" not in words:
            columns = sum(bool(re.fullmatch(r"GPU\d{1,4}", word)) for word in words)
            continue
        match = re.match(r"\s*GPU(\d{1,4})\s", line)
        if columns and match:
            codes = [word for word in words[1 : columns + 1] if _CODES.fullmatch(word)]
            if len(codes) < columns:
                raise BadInput(
                    f"GPU{match[1]} has {len(codes)} of {columns} codes", where=where, expected="the whole matrix"
                )
            rows[int(match[1])] = codes
    if not rows or not 0 < columns <= _MOST:
        raise BadInput("has no matrix of GPUs", where=where, expected="the output of nvidia-smi topo -m")
    if sorted(rows) != list(range(columns)):
        raise BadInput(f"has rows for {len(rows)} of {columns} GPUs", where=where, expected="a row for each GPU")
    return TopoMatrix(tuple(tuple(rows[index]) for index in range(columns)))


def islands_of_matrix(matrix: TopoMatrix, gpus: Sequence[Gpu], pcie: Sequence[float | None]) -> tuple[FoundIsland, ...]:
    """Return the islands of a node, innermost first; `pcie` is GB/s of each slot, None where it was not reported."""
    slots = [gbps or gpu.pcie_gbps for gbps, gpu in zip(pcie, gpus, strict=True)]

    def shared(members: Iterable[int]) -> float:
        return min(slots[index] for index in members)

    islands = [*_nvlink_islands(matrix, gpus)]
    seen = {island.gpus for island in islands}
    everyone = tuple(range(matrix.size))
    for name, codes in (("root", _ROOT), ("socket", _SOCKET)):
        for members in matrix.joined(lambda one, other, codes=codes: matrix.codes[one][other] in codes):  # type: ignore[misc]
            if 1 < len(members) < matrix.size and members not in seen:
                islands.append(FoundIsland(members, "pcie", shared(members), name=name))
                seen.add(members)
    if everyone not in seen:
        islands.append(FoundIsland(everyone, "pcie", shared(everyone), name="node"))
    return tuple(islands)


def _nvlink_islands(matrix: TopoMatrix, gpus: Sequence[Gpu]) -> list[FoundIsland]:
    """Groups that NVLink connects, and inside those that are no full mesh the parts that are one."""
    islands = []
    for members in matrix.joined(lambda one, other: matrix.links(one, other) > 0):
        if len(members) < 2:
            continue
        direct = [matrix.links(one, other) for one, other in combinations(members, 2)]
        if not all(direct):
            islands += [_nvlink_island(matrix, gpus, part) for part in _meshes(matrix, members)]
        islands.append(_nvlink_island(matrix, gpus, members))
    return islands


def _meshes(matrix: TopoMatrix, members: Sequence[int]) -> list[tuple[int, ...]]:
    """Disjoint groups of more than two in which every pair has a link, the largest first."""
    import networkx as nx

    graph: nx.Graph[int] = nx.Graph()
    graph.add_edges_from(pair for pair in combinations(members, 2) if matrix.links(*pair))
    found: list[tuple[int, ...]] = []
    for clique in sorted((tuple(sorted(clique)) for clique in nx.find_cliques(graph)), key=lambda c: (-len(c), c)):
        if len(clique) > 2 and not any(set(clique) & set(other) for other in found):
            found.append(clique)
    return found


def _nvlink_island(matrix: TopoMatrix, gpus: Sequence[Gpu], members: tuple[int, ...]) -> FoundIsland:
    """On a switch any pair has all links of a GPU; else they are shared out among the peers."""
    rate = min(gigabytes_a_link(gpus[index]) for index in members)
    pairs = [matrix.links(one, other) for one, other in combinations(members, 2)]
    all_links = min((gpus[index].link_gbps for index in members), default=0.0) / rate
    if len(members) == 2 or (all(pairs) and min(pairs) >= 0.9 * all_links > 0):
        return FoundIsland(members, "nvlink", min(pairs) * rate, name="nvlink")
    total = min(sum(matrix.links(one, other) for other in members if other != one) for one in members)
    least = min(links for links in pairs if links)
    return FoundIsland(members, "nvlink", total * rate, least * rate if total > least else None, name="nvlink")


def gigabytes_a_link(gpu: Gpu) -> float:
    """GB/s per direction of one NVLink: 25 up to Hopper, 50 from Blackwell on, 14.0625 on the bridges of GA102."""
    if gpu.capability == (8, 6):
        return 14.0625
    return 50.0 if gpu.capability >= (10, 0) else 25.0
