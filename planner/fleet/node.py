"""A node: GPUs in one machine, how they are joined, and what the machine costs."""

from dataclasses import dataclass
from functools import cached_property

from planner.fleet.gpu import Gpu
from planner.fleet.island import Island


@dataclass(frozen=True)
class Node:
    """One machine. `usd_per_hour` is for the whole machine once any of it is used, `usd_per_gpu_hour` for
    each GPU that is used; both None means owned at no stated price.

    `network_gbps` is GB/s per direction and GPU to other nodes, 0 when unknown. `used_bytes` is the
    memory of each GPU that others already hold.
    """

    name: str
    gpus: tuple[Gpu, ...]
    islands: tuple[Island, ...]
    usd_per_hour: float | None = None
    network_gbps: float = 0.0
    kind: str | None = None
    rack: str | None = None
    zone: str | None = None
    used_bytes: tuple[int, ...] = ()
    usd_per_gpu_hour: float | None = None

    @property
    def priced(self) -> bool:
        """Whether a price is stated."""
        return self.usd_per_hour is not None or self.usd_per_gpu_hour is not None

    @cached_property
    def gpu_counts(self) -> dict[str, int]:
        """GPUs of each kind, by slug."""
        return {slug: sum(gpu.slug == slug for gpu in self.gpus) for slug in dict.fromkeys(g.slug for g in self.gpus)}

    def device(self, index: int) -> str:
        """Name of one GPU: `node3/gpu0`."""
        return f"{self.name}/gpu{index}"

    def tensor_group_sizes(self, slug: str) -> set[int]:
        """Sizes of groups of one kind that stay inside an island."""
        largest = max((sum(self.gpus[i].slug == slug for i in island.gpus) for island in self.islands), default=0)
        return set(range(1, largest + 1))

    def islands_of(self, slug: str) -> list[int]:
        """Sizes of the largest islands, counting only GPUs of one kind."""
        outermost = [
            island for island in self.islands if not any(set(island.gpus) < set(other.gpus) for other in self.islands)
        ]
        return [size for island in outermost if (size := sum(self.gpus[i].slug == slug for i in island.gpus))]
