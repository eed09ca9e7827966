"""Slots: groups of GPUs of one kind in one island, cut out to hold a part of a replica."""

from dataclasses import dataclass
from functools import cached_property

from planner.fleet.gpu import Gpu
from planner.fleet.island import LinkClass, meshed


@dataclass(frozen=True)
class IslandKind:
    """What GPUs of an island offer; bandwidths are GB/s per direction and GPU.

    `link` joins GPUs of the island, `node_link` leads to the rest of the node, the network to other nodes. On a
    mesh two of its GPUs have `pair_gbps` between them. `used_bytes` is the most that others hold on any of the
    GPUs. A replica stays inside one `realm` (a zone). `inner_peers` of its GPUs may read each other's memory over an
    island inside this one, which alone does not let them.
    """

    gpu: Gpu
    link: LinkClass
    gbps: float
    node_link: LinkClass
    node_gbps: float
    network_gbps: float = 0.0
    used_bytes: int = 0
    realm: str = ""
    pair_gbps: float | None = None
    inner_peers: int = 0

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        """Without the hash, which other processes make in another way."""
        return {name: value for name, value in self.__dict__.items() if name != "_hash"}

    @cached_property
    def _hash(self) -> int:
        """Of what tells kinds apart most: they are looked up often."""
        return hash((self.gpu.slug, self.gbps, self.node_gbps, self.network_gbps, self.used_bytes, self.realm))

    def group_gbps(self, size: int) -> float:
        """GB/s per direction and GPU inside a group of `size` of its GPUs."""
        return meshed(self.gbps, self.pair_gbps, size)

    @property
    def rank(self) -> tuple[object, ...]:
        """Order in which kinds are listed: by what they are, never by the node they were met on first."""
        return (
            self.gpu.slug,
            self.link,
            self.gbps,
            self.network_gbps,
            self.used_bytes,
            self.realm,
            self.pair_gbps or 0.0,
            self.inner_peers,
        )


@dataclass(frozen=True)
class SlotKind:
    """`size` GPUs of an island, or with `share` that many parts (`fleet.share.PARTS`) of a single GPU."""

    island: IslandKind
    size: int
    share: int = 0

    @property
    def rank(self) -> tuple[object, ...]:
        """Order in which slot kinds are listed."""
        return (self.island.rank, self.size, self.share)
