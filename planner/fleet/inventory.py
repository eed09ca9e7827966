"""Inventories: the nodes one may use, from a file or from shorthand such as `2x8xH100-SXM`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from planner.errors import BadInput, UnknownName
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import GpuCatalogue, catalogue
from planner.fleet.inventory_document import InventoryFile
from planner.fleet.inventory_shorthand import read_shorthand
from planner.fleet.node import Node
from planner.fleet.node_group import NodeGroup, NodeList
from planner.fleet.node_names import refuse_double_names
from planner.fleet.own_nodes import own_nodes
from planner.fleet.purchase import purchases
from planner.line_numbers import at_line
from planner.near_names import near_names

__all__ = ["Inventory", "InventoryFile", "load_inventory"]


@dataclass(frozen=True)
class Inventory:
    """The nodes, and what was assumed in reading them. `text` is what the user wrote.

    `groups` holds the same nodes as one example and a count: walk it, not `nodes`, where there may be many.
    """

    nodes: Sequence[Node]
    text: str
    assumptions: tuple[str, ...] = ()

    @cached_property
    def groups(self) -> tuple[NodeGroup, ...]:
        """Nodes that are alike but for their names, in order of first appearance."""
        if isinstance(self.nodes, NodeList):
            return self.nodes.groups
        alike: dict[Node, list[str]] = {}
        for node in self.nodes:
            alike.setdefault(node.alike, []).append(node.name)
        return tuple(NodeGroup(node, len(names), names=tuple(names)) for node, names in alike.items())

    @cached_property
    def gpu_kinds(self) -> dict[str, Gpu]:
        """The kinds that occur and may be used, by slug; also those that only this inventory knows."""
        return {group.like.gpus[i].slug: group.like.gpus[i] for group in self.groups for i in group.like.usable}

    @cached_property
    def gpu_count(self) -> int:
        """All GPUs that may be used."""
        return sum(len(group.like.usable) * group.count for group in self.groups)

    @property
    def priced(self) -> bool:
        """Whether any node has a price; one without is then owned and costs nothing more."""
        return any(group.like.priced for group in self.groups)

    def node(self, name: str) -> Node:
        """Return one node by name; raises UnknownName with near ones."""
        for group in self.groups:
            if (index := group.index_of(name)) is not None:
                return group.node(index)
        some = [group.name(index) for group in self.groups for index in range(min(group.count, 50))]
        raise UnknownName("node", name, near_names(name, some) or some[:4], where=self.text[:60])

    def locate(self, device: str) -> tuple[Node, int]:
        """Return the node and the index of a device such as `node3/gpu0`; raises UnknownName."""
        name, _, label = device.partition("/")
        node = self.node(name)
        index = next((i for i in range(len(node.gpus)) if node.device(i) == device), None)
        if index is None:
            names = [node.device(i) for i in range(len(node.gpus))]
            raise UnknownName("device", device, near_names(label, names) or names[:4], where=self.text[:60])
        return node, index


def load_inventory(text: str | Path) -> Inventory:
    """Read an inventory file or shorthand; raises BadInput when it is empty or wrong."""
    path = Path(text)
    is_file = path.suffix in (".yaml", ".yml", ".json") or (len(str(text)) < 1000 and path.is_file())
    where = str(path) if is_file else None
    try:
        return _read(InventoryFile.load(path) if is_file else read_shorthand(str(text)), str(text), where)
    except BadInput as error:
        raise _with_line(error, where) from None


def _read(file: InventoryFile, text: str, where: str | None) -> Inventory:
    if not file.nodes and not file.buy:
        raise BadInput("has no nodes", where=where or "inventory", expected="at least one node with GPUs")
    kinds = catalogue()
    if file.gpu_kinds:
        kinds = kinds.with_kinds(file.gpu_kinds, where=where, field="gpu_kinds")
    own = own_nodes(file, kinds, where)
    groups, notes = own.groups, own.notes
    for number, purchase in enumerate(file.buy):
        bought, more = purchases(purchase, kinds, where=where, field=f"buy.{number}")
        groups += bought
        notes += more
    refuse_double_names(groups, where)
    groups, more = _paid_for(groups, where)
    notes += more
    if sum(group.count for group in groups) > 1:
        groups, more = with_network(groups)
        notes += [*own.network_notes, *more]
    return Inventory(NodeList(groups), text, tuple(dict.fromkeys([*notes, *_origins(groups, kinds)])))


def _paid_for(groups: list[NodeGroup], where: str | None) -> tuple[list[NodeGroup], list[str]]:
    """Where some nodes have a price, own ones without cost nothing more; rented ones must have one."""
    priced = sum(group.like.priced for group in groups)
    if priced in (0, len(groups)):
        return groups, []
    for group in groups:
        if group.like.offer and not group.like.priced:
            offer = group.like.offer
            problem = f"{offer.cloud} {offer.instance_type} has no known price and stands beside others that have one"
            raise BadInput(problem, where=where, expected="a price list with it: --prices FILE")
    own = [
        group if group.like.priced else replace(group, like=replace(group.like, usd_per_hour=0.0, price_basis="own"))
        for group in groups
    ]
    return own, ["own nodes without a price are taken as paid for: $0/h beside those that have one"]


_ETHERNET = {True: ("100GbE", 12.5), False: ("25GbE", 3.125)}
"""What joins nodes where nobody says: by whether their GPUs are socketed; GB/s per direction of a node."""


def with_network(groups: list[NodeGroup]) -> tuple[list[NodeGroup], list[str]]:
    """Give every node a network: a modest Ethernet where nothing is known of it."""
    done, notes = [], []
    for group in groups:
        node = group.like
        if not node.network_gbps:
            name, gbps = _ETHERNET[node.gpus[0].socketed]
            node = replace(node, network_gbps=gbps / len(node.gpus))
            gpus = f"{len(node.gpus)}x {node.gpus[0].slug}"
            notes.append(f"network of nodes of {gpus} is unknown: {name}, {node.network_gbps:g} GB/s a GPU, assumed")
        done.append(replace(group, like=node))
    return done, notes


def _origins(groups: list[NodeGroup], kinds: GpuCatalogue) -> list[str]:
    slugs = {gpu.parent or gpu.slug for group in groups for gpu in group.like.gpus}
    return [f"figures of {slug} from {kinds.origins[slug]}" for slug in sorted(slugs) if slug in kinds.origins]


def _with_line(error: BadInput, where: str | None) -> BadInput:
    """Add the line of the field to an error about the file."""
    if where is None or error.where != where or not error.field or type(error) is not BadInput:
        return error
    path = [int(part) if part.isdigit() else part for part in error.field.split(".")]
    return BadInput(error.problem, where=at_line(where, path), field=error.field, expected=error.expected)
