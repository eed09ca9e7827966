"""Known node types of `hardware/nodes.yaml`: how eight H100s usually come, and their network."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from planner.data_files import data_path, read_yaml
from planner.fleet.gpu import Gpu


@dataclass(frozen=True)
class NodeKind:
    """A node type; `network_gbps` is GB/s per direction and GPU between nodes."""

    slug: str
    name: str
    gpu_slug: str
    gpu_count: int
    network_gbps: float

    def matches(self, gpus: Sequence[Gpu]) -> bool:
        """Whether these GPUs are what the node type holds."""
        return len(gpus) == self.gpu_count and all(gpu.slug == self.gpu_slug for gpu in gpus)


@cache
def node_kinds() -> tuple[NodeKind, ...]:
    """All node types, in file order."""
    return tuple(
        NodeKind(
            slug=entry["slug"],
            name=entry["name"],
            gpu_slug=entry["gpu_slug"],
            gpu_count=entry["gpu_count"],
            network_gbps=entry.get("inter_node_gbyte_per_s_per_gpu", 0.0),
        )
        for entry in read_yaml(data_path("hardware", "nodes.yaml"))["nodes"]
    )
