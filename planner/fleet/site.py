"""Where a pipeline stage lies: the GPU kind, and the links inside the stage and to the next one."""

from dataclasses import dataclass

from planner.fleet.gpu import Gpu
from planner.fleet.island import LinkClass


@dataclass(frozen=True)
class Site:
    """The place of one stage, as memory and speed see it.

    Bandwidths are GB/s per direction and GPU. `link` joins the GPUs of the stage; `next_link` leads to
    the next stage. `used_bytes` is what others already hold on the fullest of its GPUs. `free_bytes` is
    the free memory that the engine found before it loaded weights, where somebody measured it (a start-up
    log says so); None leaves it to the engine profile.
    """

    gpu: Gpu
    link: LinkClass
    gbps: float
    next_link: LinkClass
    next_gbps: float
    used_bytes: int = 0
    free_bytes: int | None = None

    @property
    def peer_access(self) -> bool:
        """Whether the GPUs of the stage read each other's memory directly (NVLink, xGMI)."""
        return self.link in (LinkClass.NVLINK, LinkClass.XGMI)


def usual_site(gpu: Gpu) -> Site:
    """Site of a stage on a machine of the usual wiring: socketed parts on their switch, cards on PCIe."""
    if gpu.socketed:
        link = LinkClass.XGMI if gpu.link_kind == "xgmi" else LinkClass.NVLINK
        return Site(gpu, link, gpu.link_gbps, link, gpu.link_gbps)
    return Site(gpu, LinkClass.PCIE, gpu.pcie_gbps, LinkClass.PCIE, gpu.pcie_gbps)
