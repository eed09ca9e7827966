"""Known node types of `hardware/nodes.yaml`: how eight H100s usually come, their links and their network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from planner.data_files import data_path, read_yaml
from planner.errors import UnknownName
from planner.fleet.gpu import Gpu
from planner.near_names import near_names, normalise


@dataclass(frozen=True)
class NodeKind:
    """A node type. Bandwidths are GB/s per direction and GPU.

    `gpu_count` counts packages. `link_kind` is how the GPUs are joined (nvswitch, xgmi-mesh, nvlink-bridge,
    pcie4 ...); `all_gbps` is what each sends while all talk, `pair_gbps` what two get between each other.
    `domain_gpus` is the size of the NVLink domain, which may be larger than the node. `watts` is what the
    whole machine draws at most.
    """

    slug: str
    name: str
    gpu_slug: str
    gpu_count: int
    network_gbps: float
    link_kind: str
    all_gbps: float | None
    pair_gbps: float | None
    domain_gpus: int
    watts: float | None
    nic: str
    nic_count: int | None
    notes: str

    def matches(self, gpus: Sequence[Gpu]) -> bool:
        """Whether these devices are what the node type holds."""
        packages = len(gpus) / gpus[0].devices_per_package if gpus else 0
        return packages == self.gpu_count and all(gpu.slug == self.gpu_slug for gpu in gpus)

    @property
    def bridged(self) -> bool:
        """Whether its GPUs are cards with a bridge or none: wiring that cards need not have."""
        return self.link_kind == "nvlink-bridge" or self.link_kind.startswith("pcie")


@cache
def node_kinds() -> tuple[NodeKind, ...]:
    """All node types, in file order."""
    return tuple(_kind(entry) for entry in read_yaml(data_path("hardware", "nodes.yaml"))["nodes"])


def _kind(entry: dict[str, Any]) -> NodeKind:
    intra = entry["intra"]
    return NodeKind(
        slug=entry["slug"],
        name=entry["name"],
        gpu_slug=entry["gpu_slug"],
        gpu_count=entry["gpu_count"],
        network_gbps=entry.get("inter_node_gbyte_per_s_per_gpu", 0.0),
        link_kind=intra["kind"],
        all_gbps=intra.get("all_to_all_per_direction_gbps"),
        pair_gbps=intra.get("pair_per_direction_gbps"),
        domain_gpus=entry.get("nvlink_domain_gpus", entry["gpu_count"]),
        watts=entry.get("max_power_w"),
        nic=entry.get("nic", ""),
        nic_count=entry.get("nic_count"),
        notes=entry.get("notes", ""),
    )


def find_node_kind(name: str, *, where: str | None = None) -> NodeKind:
    """Return the node type of a slug or name; raises UnknownName with near names."""
    kinds = {normalise(text): kind for kind in node_kinds() for text in (kind.slug, kind.name)}
    if normalise(name) not in kinds:
        raise UnknownName("node", name, near_names(name, (kind.slug for kind in node_kinds())), where=where)
    return kinds[normalise(name)]


def usual_kind(gpus: Sequence[Gpu]) -> NodeKind | None:
    """Return the node type that such GPUs come in where nothing else is said; None when there is no one way.

    Bridges and PCIe boxes are not assumed: cards come in any.
    """
    return next((kind for kind in node_kinds() if kind.matches(gpus) and not kind.bridged), None)


@cache
def domain_gpus(slug: str) -> int:
    """Size of the NVLink domain that a GPU kind comes in where that is larger than a node, else 0."""
    return max(
        (kind.domain_gpus for kind in node_kinds() if kind.gpu_slug == slug and kind.domain_gpus > 16), default=0
    )
