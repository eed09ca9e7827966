"""Where a pipeline stage lies: the GPU kind, and the links inside the stage and to the next one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.inventory import Inventory
from planner.fleet.island import LinkClass, meshed
from planner.fleet.node import Node

UNKNOWN_NETWORK_GBPS = 3.125
"""25GbE: what is taken between nodes that name no network (inventories say so when they assume it)."""


@dataclass(frozen=True)
class Site:
    """The place of one stage, as memory and speed see it.

    Bandwidths are GB/s per direction and GPU. `link` joins the GPUs of the stage; `next_link` leads to
    the next stage. `used_bytes` is what others already hold on the fullest of its GPUs, `share` the part of its
    only GPU that the stage may use (`fleet.share`). `free_bytes` is
    the free memory that the engine found before it loaded weights, where somebody measured it (a start-up
    log says so); None leaves it to the engine profile. `lent_bytes` is host memory that the driver lends a GPU whose
    own is full, as that of Windows does: it then starts, slowly.
    """

    gpu: Gpu
    link: LinkClass
    gbps: float
    next_link: LinkClass
    next_gbps: float
    used_bytes: int = 0
    free_bytes: int | None = None
    share: float = 1.0
    lent_bytes: int = 0

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        """Without the hash, which other processes make in another way, and what follows from the rest."""
        return {name: value for name, value in self.__dict__.items() if name not in ("_hash", "as_memory")}

    @cached_property
    def _hash(self) -> int:
        """Of what tells sites apart most: they are looked up often."""
        return hash((self.gpu.slug, self.gbps, self.next_gbps, self.used_bytes, self.share))

    @cached_property
    def as_memory(self) -> "Site":
        """The site as memory sees it: of its links only whether GPUs read each other's memory."""
        link = LinkClass.NVLINK if self.peer_access else LinkClass.PCIE
        return replace(self, link=link, gbps=0.0, next_link=link, next_gbps=0.0)

    @property
    def peer_access(self) -> bool:
        """Whether the GPUs of the stage read each other's memory directly (NVLink, xGMI)."""
        return self.link.peer_access

    @property
    def holds_system(self) -> bool:
        """Whether the host's system and processes take of the memory, unsaid: they are in what others are said to use.

        Not in what Metal lets use, hardly in an MI300A's (119.15 GB free of one in a public log).
        """
        return self.gpu.unified_memory and self.gpu.vendor.lower() == "nvidia" and not self.used_bytes


def usual_site(gpu: Gpu) -> Site:
    """Site of a stage on a machine of the usual wiring: socketed parts on their switch, cards on PCIe."""
    if gpu.socketed:
        link = LinkClass.XGMI if gpu.link_kind == "xgmi" else LinkClass.NVLINK
        return Site(gpu, link, gpu.link_gbps, link, gpu.link_gbps)
    return Site(gpu, LinkClass.PCIE, gpu.pcie_gbps, LinkClass.PCIE, gpu.pcie_gbps)


def site_of(inventory: Inventory, devices: Sequence[str], next_devices: Sequence[str] = ()) -> Site:
    """Return the site of a stage on named devices (`node3/gpu0`), with the link to the next stage's.

    The GPU is the one with the least free memory, as its bill decides. Raises UnknownName for a device that is
    not there, BadInput when there is none.
    """
    if not devices:
        raise BadInput("has no devices", where=inventory.text[:60], expected="at least one, such as node0/gpu0")
    placed = [inventory.locate(device) for device in devices]
    link, gbps = _joining(placed)
    if next_devices:
        onward = [inventory.locate(device) for device in next_devices]
        next_link, next_gbps = _leading(placed, onward)
    else:
        next_link, next_gbps = link, gbps
    tightest = min((node.gpus[i] for node, i in placed), key=lambda gpu: gpu.memory_bytes)
    used = max(node.used(i) - node.gpus[i].memory_bytes + tightest.memory_bytes for node, i in placed)
    return Site(tightest, link, gbps, next_link, next_gbps, used_bytes=max(0, used))


def _joining(placed: Sequence[tuple[Node, int]]) -> tuple[LinkClass, float]:
    """The narrowest link that all of a group must cross."""
    nodes = {node.name: node for node, _ in placed}
    if len(nodes) > 1:
        return _between(list(nodes.values()))
    node = placed[0][0]
    island = node.tightest(tuple({i for _, i in placed}))
    if island is None:
        return LinkClass.PCIE, min(gpu.pcie_gbps for gpu in node.gpus)
    return island.link, meshed(island.gbps, island.seen_pair_gbps, len(placed))


def _leading(placed: Sequence[tuple[Node, int]], onward: Sequence[tuple[Node, int]]) -> tuple[LinkClass, float]:
    """The link from one stage to the next: that of the worst pair of neighbours."""
    last, first = placed[-1][0], onward[0][0]
    nodes = {node.name: node for node, _ in (*placed, *onward)}
    if len(nodes) > 1:
        return _between([last, first] if last.name != first.name else list(nodes.values()))
    island = last.tightest(tuple({i for _, i in (*placed, *onward)}))
    if island is None:
        return LinkClass.PCIE, min(gpu.pcie_gbps for gpu in last.gpus)
    return island.link, meshed(island.gbps, island.seen_pair_gbps, 2)


def _between(nodes: Sequence[Node]) -> tuple[LinkClass, float]:
    domains = {node.nvlink_domain for node in nodes}
    if len(domains) == 1 and None not in domains:
        return LinkClass.NVLINK, min(node.domain_gbps for node in nodes)
    return LinkClass.NETWORK, min(node.network_gbps or UNKNOWN_NETWORK_GBPS for node in nodes)
