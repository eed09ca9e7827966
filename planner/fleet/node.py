"""A node: GPUs in one machine, how they are joined, and what the machine costs."""

from dataclasses import dataclass, replace
from functools import cached_property

from planner.fleet.gpu import Gpu
from planner.fleet.island import Island
from planner.fleet.offer import Offer


@dataclass(frozen=True)
class Node:
    """One machine.

    `usd_per_hour` is due for the whole machine as soon as any of its GPUs is used, `usd_per_gpu_hour` for
    each GPU used; both may stand. Both None means owned at no stated price. `price_basis` says where the
    figure comes from. `network_gbps` is GB/s per direction and GPU to other nodes, 0 when unknown.

    `used_bytes` is the memory of each GPU that others already hold, `reserved` the GPUs that may not be
    used at all; counts and groups leave those out. Nodes with the same `nvlink_domain` form one NVLink
    island of `domain_gbps`. `labels` are the owner's own. `device_names` names the devices where `gpu0`,
    `gpu1` ... would not do (MIG slices: `gpu0.mig1`).
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
    price_basis: str = ""
    reserved: tuple[int, ...] = ()
    nvlink_domain: str | None = None
    domain_gbps: float = 0.0
    fabric: str | None = None
    labels: tuple[tuple[str, str], ...] = ()
    device_names: tuple[str, ...] = ()
    offer: Offer | None = None

    @property
    def priced(self) -> bool:
        """Whether a price is known, for the machine or for its GPUs."""
        return self.usd_per_hour is not None or self.usd_per_gpu_hour is not None

    def cost(self, gpus_used: int) -> float:
        """USD an hour when so many of its GPUs are used; nothing when none is."""
        return (self.usd_per_hour or 0.0) + (self.usd_per_gpu_hour or 0.0) * gpus_used if gpus_used else 0.0

    @cached_property
    def usable(self) -> tuple[int, ...]:
        """Indices of the GPUs that are not reserved."""
        return tuple(index for index in range(len(self.gpus)) if index not in self.reserved)

    @cached_property
    def gpu_counts(self) -> dict[str, int]:
        """Usable GPUs of each kind, by slug."""
        slugs = [self.gpus[index].slug for index in self.usable]
        return {slug: slugs.count(slug) for slug in dict.fromkeys(slugs)}

    @cached_property
    def alike(self) -> "Node":
        """The node without its name: equal for nodes that differ in nothing else."""
        return replace(self, name="")

    def used(self, index: int) -> int:
        """Bytes of one GPU that others already hold."""
        return self.used_bytes[index] if self.used_bytes else 0

    def device(self, index: int) -> str:
        """Name of one GPU: `node3/gpu0`."""
        return f"{self.name}/{self.device_names[index]}" if self.device_names else f"{self.name}/gpu{index}"

    def islands_of(self, slug: str) -> list[int]:
        """Sizes of the largest islands, counting only usable GPUs of one kind."""
        return [size for island in self.outermost if (size := self._of_kind(slug, island))]

    @cached_property
    def outermost(self) -> tuple[Island, ...]:
        """The islands that lie in no other one."""
        return tuple(
            island for island in self.islands if not any(set(island.gpus) < set(other.gpus) for other in self.islands)
        )

    def tightest(self, gpus: tuple[int, ...]) -> Island | None:
        """The smallest island that holds all these GPUs; of equals the one with the widest link."""
        holding = [island for island in self.islands if island.holds(gpus)]
        return min(holding, key=lambda island: (island.size, -island.gbps), default=None)

    def _of_kind(self, slug: str, island: Island) -> int:
        return sum(self.gpus[i].slug == slug for i in island.gpus if i not in self.reserved)
