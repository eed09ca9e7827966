"""Inventories: the nodes one may use, from a file or from shorthand such as `2x8xH100-SXM`."""

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from pydantic import Field

from planner.documents import Document
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.island import usual_islands
from planner.fleet.node import Node
from planner.fleet.node_catalogue import node_kinds

_SHORTHAND = re.compile(r"(?:(\d+)x)?(\d+)x(.+)", re.IGNORECASE)


class NodeEntry(Document):
    """Nodes of one kind in an inventory file."""

    name: str | None = None
    count: int = Field(default=1, ge=1, description="how many such nodes")
    gpus: str | list[str] = Field(description="`8xH100-SXM`, or a list such as [4xL40S, 2x3090]")
    pairs: list[list[int]] = Field(default=[], description="GPU indices that an NVLink bridge joins")
    usd_per_hour: float | None = Field(default=None, ge=0, description="price of the whole node")
    usd_per_gpu_hour: float | None = Field(default=None, ge=0, description="price of each GPU in use")
    network_gbps: float | None = Field(default=None, ge=0, description="GB/s per direction and GPU to other nodes")
    rack: str | None = None
    zone: str | None = None


class InventoryFile(Document):
    """The inventory file."""

    nodes: list[NodeEntry]


@dataclass(frozen=True)
class Inventory:
    """Nodes by name, and what was assumed in reading them. `text` is what the user wrote."""

    nodes: tuple[Node, ...]
    text: str
    assumptions: tuple[str, ...] = ()

    @cached_property
    def gpu_kinds(self) -> dict[str, Gpu]:
        """The kinds that occur, by slug."""
        return {gpu.slug: gpu for node in self.nodes for gpu in node.gpus}

    @cached_property
    def gpu_count(self) -> int:
        """All GPUs."""
        return sum(len(node.gpus) for node in self.nodes)

    @property
    def priced(self) -> bool:
        """Whether any node has a price; one without is then owned and costs nothing more."""
        return any(node.priced for node in self.nodes)


def load_inventory(text: str | Path) -> Inventory:
    """Read an inventory file or shorthand; raises BadInput when it is empty or wrong."""
    path = Path(text)
    if path.suffix in (".yaml", ".yml", ".json") or path.is_file():
        entries, where = InventoryFile.load(path).nodes, str(path)
    else:
        entries, where = [_shorthand(part, str(text)) for part in str(text).split(",")], None
    if not entries:
        raise BadInput("has no nodes", where=where or "inventory", expected="at least one node with GPUs")
    assumptions: list[str] = []
    nodes: list[Node] = []
    for number, entry in enumerate(entries):
        node, notes = _node(entry, where, f"nodes.{number}")
        assumptions += [note for note in notes if note not in assumptions]
        for copy in range(entry.count):
            name = (
                entry.name
                if entry.name and entry.count == 1
                else f"{entry.name or 'node'}{copy if entry.name else len(nodes)}"
            )
            nodes.append(replace(node, name=name))
    _refuse_double_names(nodes, where)
    return Inventory(tuple(nodes), str(text), tuple(assumptions))


def _shorthand(part: str, text: str) -> NodeEntry:
    match = _SHORTHAND.fullmatch(part.strip())
    if not match:
        raise BadInput(
            f"{part.strip()!r} is no node",
            where=f"inventory {text!r}",
            expected="8xA100-80GB, 2x8xH100-SXM, or a file",
        )
    nodes, gpus = int(match[1] or 1), int(match[2])
    if nodes < 1 or gpus < 1:
        raise BadInput(f"{part.strip()!r} has no GPUs", where=f"inventory {text!r}", expected="counts of at least 1")
    return NodeEntry(count=nodes, gpus=f"{gpus}x{match[3]}")


def _node(entry: NodeEntry, where: str | None, field: str) -> tuple[Node, list[str]]:
    gpus: list[Gpu] = []
    notes: list[str] = []
    for text in [entry.gpus] if isinstance(entry.gpus, str) else entry.gpus:
        match = re.fullmatch(r"(?:(\d+)x)?(.+)", text.strip(), re.IGNORECASE)
        count = int(match[1] or 1) if match else 0
        if not match or count < 1:
            raise BadInput(f"is {text!r}", where=where, field=f"{field}.gpus", expected="8xH100-SXM")
        gpu, assumed = find_gpu(match[2], where=where)
        gpus += [gpu] * count
        notes += assumed
    for pair in entry.pairs:
        if len(pair) < 2 or any(not 0 <= index < len(gpus) for index in pair):
            raise BadInput(f"is {pair}", where=where, field=f"{field}.pairs", expected=f"GPU indices below {len(gpus)}")
    network = entry.network_gbps
    known = next((kind for kind in node_kinds() if kind.matches(gpus)), None)
    if network is None and known and known.network_gbps:
        network = known.network_gbps
        notes.append(f"network of {len(gpus)}x {gpus[0].slug} nodes taken from {known.slug}: {network:g} GB/s a GPU")
    node = Node(
        name=entry.name or "",
        gpus=tuple(gpus),
        islands=usual_islands(tuple(gpus), tuple(tuple(pair) for pair in entry.pairs)),
        usd_per_hour=entry.usd_per_hour,
        usd_per_gpu_hour=entry.usd_per_gpu_hour,
        network_gbps=network or 0.0,
        kind=known.slug if known else None,
        rack=entry.rack,
        zone=entry.zone,
    )
    return node, notes


def _refuse_double_names(nodes: list[Node], where: str | None) -> None:
    seen: set[str] = set()
    for node in nodes:
        if node.name in seen:
            raise BadInput(f"two nodes are named {node.name!r}", where=where, expected="a name for each node")
        seen.add(node.name)
