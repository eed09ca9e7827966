"""Islands: GPUs that reach each other over one link class. Islands nest."""

from dataclasses import dataclass
from enum import StrEnum

from planner.fleet.gpu import Gpu


class LinkClass(StrEnum):
    """What joins the GPUs of an island, fastest first."""

    NVLINK = "nvlink"
    XGMI = "xgmi"
    PCIE = "pcie"
    NETWORK = "network"

    @property
    def peer_access(self) -> bool:
        """Whether the GPUs that it joins read each other's memory directly."""
        return self in (LinkClass.NVLINK, LinkClass.XGMI)


@dataclass(frozen=True)
class Island:
    """GPUs of one node, by index, joined by one link class.

    `gbps` is GB/s per direction that each GPU sends while all of them talk. `pair_gbps` is what two of
    them get between each other: on a switch the same (None), on a mesh the link that joins the two.
    `name` tells what it is: `nvlink`, `root`, `numa`, `node`.
    """

    gpus: tuple[int, ...]
    link: LinkClass
    gbps: float
    pair_gbps: float | None = None
    name: str = ""

    @property
    def size(self) -> int:
        """Number of GPUs."""
        return len(self.gpus)

    def group_gbps(self, size: int) -> float:
        """GB/s per direction and GPU inside a group of `size` of its GPUs: on a mesh, that of size - 1 links."""
        return meshed(self.gbps, self.pair_gbps, size)

    @property
    def seen_pair_gbps(self) -> float | None:
        """`pair_gbps` where collectives see it; of xGMI meshes the speed room counts the links in use itself."""
        return None if self.link is LinkClass.XGMI else self.pair_gbps

    def holds(self, gpus: "tuple[int, ...] | set[int]") -> bool:
        """Whether all these GPUs are in it."""
        return set(gpus) <= set(self.gpus)


def meshed(gbps: float, pair_gbps: float | None, size: int) -> float:
    """GB/s per direction and GPU that `size` GPUs have of `gbps`: on a mesh that of their size - 1 links."""
    return gbps if pair_gbps is None else min(gbps, pair_gbps * max(size - 1, 1))


def usual_islands(
    gpus: tuple[Gpu, ...],
    pairs: tuple[tuple[int, ...], ...] = (),
    *,
    pair_gbps: float | None = None,
    bridge_pair_gbps: float | None = None,
) -> tuple[Island, ...]:
    """Islands of a node whose wiring is not described, innermost first.

    Socketed GPUs of one kind share a switch or mesh; `pair_gbps` is the link between two of them where it
    is known to be a mesh. Cards in PCIe slots share the host's PCIe, and `pairs` lists those that an NVLink
    bridge joins (none are assumed; `bridge_pair_gbps` as for a mesh).
    """
    islands = [
        Island(tuple(pair), LinkClass.NVLINK, gpus[pair[0]].link_gbps, bridge_pair_gbps, name="bridge")
        for pair in pairs
    ]
    for slug in dict.fromkeys(gpu.slug for gpu in gpus):
        members = tuple(index for index, gpu in enumerate(gpus) if gpu.slug == slug)
        gpu = gpus[members[0]]
        if gpu.socketed and not pairs:
            link = LinkClass.XGMI if gpu.link_kind == "xgmi" else LinkClass.NVLINK
            islands.append(Island(members, link, gpu.link_gbps, pair_gbps, name=str(gpu.link_kind)))
    if not any(island.size == len(gpus) for island in islands):
        slowest = min(gpu.pcie_gbps for gpu in gpus)
        islands.append(Island(tuple(range(len(gpus))), LinkClass.PCIE, slowest, name="node"))
    return tuple(islands)
