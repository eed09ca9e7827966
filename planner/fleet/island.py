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


@dataclass(frozen=True)
class Island:
    """GPUs of one node, by index, joined by one link class; `gbps` is GB/s per direction and GPU."""

    gpus: tuple[int, ...]
    link: LinkClass
    gbps: float

    @property
    def size(self) -> int:
        """Number of GPUs."""
        return len(self.gpus)


def usual_islands(gpus: tuple[Gpu, ...], pairs: tuple[tuple[int, ...], ...] = ()) -> tuple[Island, ...]:
    """Islands of a node whose wiring is not described, innermost first.

    Socketed GPUs of one kind share a switch or mesh. Cards in PCIe slots share the host's PCIe, and
    `pairs` lists those that an NVLink bridge joins (none are assumed).
    """
    islands = [Island(pair, LinkClass.NVLINK, gpus[pair[0]].link_gbps) for pair in pairs]
    for slug in dict.fromkeys(gpu.slug for gpu in gpus):
        members = tuple(index for index, gpu in enumerate(gpus) if gpu.slug == slug)
        gpu = gpus[members[0]]
        if gpu.socketed and not pairs:
            link = LinkClass.XGMI if gpu.link_kind == "xgmi" else LinkClass.NVLINK
            islands.append(Island(members, link, gpu.link_gbps))
    if not any(island.size == len(gpus) for island in islands):
        islands.append(Island(tuple(range(len(gpus))), LinkClass.PCIE, min(gpu.pcie_gbps for gpu in gpus)))
    return tuple(islands)
