"""From an offer to the node one gets: its GPUs, how they are joined, and its network."""

from fractions import Fraction

from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.gpu_part import fraction_of
from planner.fleet.island import Island, LinkClass, usual_islands
from planner.fleet.node import Node
from planner.fleet.node_catalogue import domain_gpus, usual_kind
from planner.fleet.offer import Offer
from planner.fleet.price_list import PriceLine

_GBIT = 8


def offered_node(line: PriceLine, offer: Offer, kinds: GpuCatalogue) -> Node:
    """Return one instance as a node; its GPUs have the memory of the catalogue, not the nominal one.

    The network is the instance's, divided among its devices; 0 where the list has none.
    """
    gpus = devices_of(line.gpu_count, kinds.kinds[line.gpu])
    return Node(
        name="",
        gpus=gpus,
        islands=_islands(line.link, gpus),
        usd_per_hour=offer.usd_per_hour,
        price_basis=offer.basis,
        network_gbps=(line.gbit_per_s or 0.0) / _GBIT / len(gpus),
        kind=kind.slug if (kind := usual_kind(gpus)) else None,
        zone=offer.region or None,
        domain_gbps=gpus[0].link_gbps if domain_gpus(gpus[0].slug) > len(gpus) else 0.0,
        offer=offer,
    )


def devices_of(count: Fraction, gpu: Gpu) -> tuple[Gpu, ...]:
    """Devices of so many packages; a share of one package is one device."""
    if count < 1:
        return (fraction_of(gpu, count),)
    return (gpu,) * (int(count) * gpu.devices_per_package)


def _islands(link: str, gpus: tuple[Gpu, ...]) -> tuple[Island, ...]:
    """Islands as the list names the link: nvswitch3, nvlink2, xgmi-mesh, nvlink-bridge, pcie4, neuronlink2; '' none."""
    everyone = tuple(range(len(gpus)))
    if link == "nvlink-bridge":
        return usual_islands(gpus, tuple((first, first + 1) for first in range(0, len(gpus) - 1, 2)))
    if link.startswith("pcie") or not gpus[0].socketed:
        return (Island(everyone, LinkClass.PCIE, gpus[0].pcie_gbps, name="node"),)
    if link.startswith("nvswitch"):
        return (Island(everyone, LinkClass.NVLINK, gpus[0].link_gbps, name=link),)
    kind = usual_kind(gpus)
    mesh = kind.pair_gbps if kind and kind.pair_gbps and kind.all_gbps and kind.pair_gbps < kind.all_gbps else None
    return usual_islands(gpus, pair_gbps=mesh)
