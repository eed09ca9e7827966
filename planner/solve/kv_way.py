"""Ways on which caches go from prefill to decode workers, and which workers may be paired on each."""

from collections.abc import Mapping
from dataclasses import dataclass

from planner.fleet.island import LinkClass
from planner.solve.slot import IslandKind


@dataclass(frozen=True, order=True)
class KvWay:
    """The worst link between two pools of one realm: `gbps` are GB/s per direction and GPU.

    Workers whose own link to other nodes is at least as wide may join; so nodes that nobody needs slow no one.
    """

    realm: str
    link: LinkClass
    gbps: float


Onward = Mapping[IslandKind, tuple[LinkClass, float]]
"""Link and bandwidth from the slots of each island kind to other workers."""


def kv_ways(island: IslandKind, onward: Onward) -> list[KvWay]:
    """Return the ways that a worker on an island may use: those of its realm that are no wider than its own."""
    link, gbps = onward[island]
    return sorted(
        {
            KvWay(island.realm, other_link, other_gbps)
            for other, (other_link, other_gbps) in onward.items()
            if other.realm == island.realm and other_gbps <= gbps and link == other_link
        }
    )
