"""How the GPUs of a node are joined: as the inventory describes it, else as its node type is, else as usual."""

from collections.abc import Sequence

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.inventory_document import IslandEntry, NodeEntry
from planner.fleet.island import Island, LinkClass, usual_islands
from planner.fleet.node_catalogue import NodeKind


def islands_of_entry(
    entry: NodeEntry, gpus: tuple[Gpu, ...], kind: NodeKind | None, *, where: str | None, field: str
) -> tuple[Island, ...]:
    """Return the islands of a node, innermost first; raises BadInput for indices that are not there.

    Slices and shares of a GPU are islands of one: no collective joins them to anything.
    """
    _check_members(entry, len(gpus), where, field)
    whole = tuple(index for index, gpu in enumerate(gpus) if gpu.whole)
    alone = tuple(
        Island((i,), LinkClass.PCIE, gpu.pcie_gbps, name="part") for i, gpu in enumerate(gpus) if not gpu.whole
    )
    if not whole:
        return alone
    if len(whole) < len(gpus):
        rest = usual_islands(tuple(gpus[i] for i in whole))
        return (*(_renumbered(island, whole) for island in rest), *alone)
    described = [_described(island, gpus) for island in entry.islands]
    pairs = tuple(tuple(pair) for pair in entry.pairs)
    if not described:
        return _of_kind(kind, gpus) if kind and not pairs else usual_islands(gpus, pairs)
    bridges = [Island(pair, LinkClass.NVLINK, gpus[pair[0]].link_gbps, name="bridge") for pair in pairs]
    if not any(island.size == len(gpus) for island in described):
        described.append(Island(whole, LinkClass.PCIE, min(gpu.pcie_gbps for gpu in gpus), name="node"))
    return tuple(sorted((*bridges, *described), key=lambda island: island.size))


def _of_kind(kind: NodeKind, gpus: tuple[Gpu, ...]) -> tuple[Island, ...]:
    if kind.link_kind == "network":
        return (Island(tuple(range(len(gpus))), LinkClass.NETWORK, kind.network_gbps, name="cable"),)
    if kind.link_kind == "nvlink-bridge":
        return usual_islands(gpus, (tuple(range(len(gpus))),), bridge_pair_gbps=_mesh(kind))
    return usual_islands(gpus, pair_gbps=_mesh(kind))


def _mesh(kind: NodeKind) -> float | None:
    """The link between two GPUs where it is narrower than what one GPU sends to all."""
    narrower = kind.pair_gbps is not None and kind.all_gbps is not None and kind.pair_gbps < kind.all_gbps
    return kind.pair_gbps if narrower else None


def _described(entry: IslandEntry, gpus: Sequence[Gpu]) -> Island:
    link = LinkClass(entry.link)
    members = [gpus[index] for index in entry.gpus]
    gbps = entry.gbps
    if gbps is None:
        of_link = link in (LinkClass.NVLINK, LinkClass.XGMI)
        gbps = min(gpu.link_gbps if of_link and gpu.link_gbps else gpu.pcie_gbps for gpu in members)
    return Island(tuple(sorted(entry.gpus)), link, gbps, entry.pair_gbps, name=entry.name or entry.link)


def _renumbered(island: Island, indices: tuple[int, ...]) -> Island:
    members = tuple(indices[i] for i in island.gpus)
    return Island(members, island.link, island.gbps, island.pair_gbps, island.name)


def _check_members(entry: NodeEntry, gpus: int, where: str | None, field: str) -> None:
    groups = [(f"pairs.{i}", pair) for i, pair in enumerate(entry.pairs)]
    groups += [(f"islands.{i}.gpus", island.gpus) for i, island in enumerate(entry.islands)]
    for name, members in groups:
        if len(set(members)) < 2 or len(set(members)) < len(members) or any(index >= gpus for index in members):
            expected = f"two or more different GPU indices below {gpus}"
            raise BadInput(f"is {members[:16]}", where=where, field=f"{field}.{name}", expected=expected)
    bridged = [index for pair in entry.pairs for index in pair]
    if len(set(bridged)) < len(bridged):
        raise BadInput(
            f"is {entry.pairs}", where=where, field=f"{field}.pairs", expected="each GPU in one pair at most"
        )
