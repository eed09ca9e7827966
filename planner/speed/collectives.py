"""Collectives as latency plus bytes over the bandwidth that the group really gets.

The volumes are those of ring and two-shot algorithms: an all-reduce sends 2 (n - 1) / n of the message over
each rank's link, gather, scatter and all-to-all half of that (Thakur et al., IJHPCA 2005). Latencies are those
of the engines' own small-message kernels inside CUDA graphs.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.fleet.island import LinkClass
from planner.units import GB

_MESH_PEERS = 7
"""xGMI boards join eight GPUs pairwise: a group of n uses n - 1 of the seven links of each."""


@dataclass(frozen=True, slots=True)
class Group:
    """Ranks that exchange over one link class; `gbps` is GB/s per direction and GPU."""

    ranks: int
    link: LinkClass
    gbps: float

    def all_reduce(self, message: float) -> float:
        """Seconds to sum `message` bytes over the ranks, the result on each of them."""
        return self._seconds(2.0 * message * (self.ranks - 1) / self.ranks)

    def all_gather(self, message: float) -> float:
        """Seconds until each rank holds all `message` bytes, of which it had its share."""
        return self._seconds(message * (self.ranks - 1) / self.ranks)

    def reduce_scatter(self, message: float) -> float:
        """Seconds to sum `message` bytes and leave each rank its share."""
        return self._seconds(message * (self.ranks - 1) / self.ranks)

    def all_to_all(self, message: float) -> float:
        """Seconds in which each rank sends `message` bytes, evenly to all ranks."""
        return self._seconds(message * (self.ranks - 1) / self.ranks)

    def send(self, message: float) -> float:
        """Seconds to send `message` bytes to one peer."""
        return self.latency + message / self.bandwidth

    @property
    def latency(self) -> float:
        """Seconds of an empty collective."""
        fit = link_constants()[self.link]
        return float(fit["latency_us"] * (1 + fit["hop"] * (max(self.ranks, 2) - 2)) * 1e-6)

    @property
    def bandwidth(self) -> float:
        """Bytes a second that each rank sends while all do."""
        fit = link_constants()[self.link]
        share = fit["share"] * (2 / max(self.ranks, 2)) ** fit["crowding"]
        if self.link is LinkClass.XGMI:
            share *= min(self.ranks - 1, _MESH_PEERS) / _MESH_PEERS
        return float(self.gbps * GB * share)

    def _seconds(self, wire: float) -> float:
        return self.latency + wire / self.bandwidth if self.ranks > 1 else 0.0


@cache
def link_constants() -> dict[str, Any]:
    """Return the fitted constants by link class."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("collectives.yaml"))
    return content
