"""Collectives as latency plus bytes over the bandwidth that the group really gets.

The volumes are those of ring and two-shot algorithms: an all-reduce sends 2 (n - 1) / n of the message over
each rank's link, gather, scatter and all-to-all half of that (Thakur et al., IJHPCA 2005). Latencies are those
of the engines' own small-message kernels inside CUDA graphs.
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self

from planner.data_files import read_yaml
from planner.fleet.island import LinkClass
from planner.units import GB

_MESH_PEERS = 7
"""xGMI boards join eight GPUs pairwise: a group of n uses n - 1 of the seven links of each."""


class Exchange(NamedTuple):
    """`times` equal collectives of `ranks` GPUs: `wire` bytes leave each over a link of `gbps` GB/s."""

    times: int
    ranks: int
    wire: float
    link: LinkClass
    gbps: float

    @classmethod
    def all_reduce(cls, times: int, ranks: int, message: float, link: LinkClass, gbps: float) -> Self:
        """Sum `message` bytes over the ranks, the result on each of them."""
        return cls(times, ranks, 2.0 * message * (ranks - 1) / ranks, link, gbps)

    @classmethod
    def gather_or_scatter(cls, times: int, ranks: int, message: float, link: LinkClass, gbps: float) -> Self:
        """Collect `message` bytes from all ranks on each, or sum them and leave each rank its share.

        An all-to-all in which each rank sends `message` bytes, evenly to all, moves as many.
        """
        return cls(times, ranks, message * (ranks - 1) / ranks, link, gbps)

    @classmethod
    def send(cls, message: float, link: LinkClass, gbps: float) -> Self:
        """Send `message` bytes to one peer."""
        return cls(1, 2, message, link, gbps)


def exchange_seconds(exchange: Exchange, latency_scale: float = 1.0) -> float:
    """Return the seconds of all its collectives; `latency_scale` is the engine's own (`Machine.link_latency`)."""
    fit = link_constants()[exchange.link]
    latency = latency_scale * fit["latency_us"] * 1e-6 * (1 + fit["hop"] * (exchange.ranks - 2))
    share = fit["share"] * (2 / exchange.ranks) ** fit["crowding"]
    if exchange.link is LinkClass.XGMI:
        share *= min(exchange.ranks - 1, _MESH_PEERS) / _MESH_PEERS
    return float(exchange.times * (latency + exchange.wire / (exchange.gbps * GB * share)))


@cache
def link_constants() -> dict[str, Any]:
    """Return the fitted constants by link class."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("collectives.yaml"))
    return content
