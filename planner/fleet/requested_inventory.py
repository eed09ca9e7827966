"""The nodes of a request: its inventory, the nodes it adds, less those it excludes; and who may use which."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from planner.errors import BadInput, UnknownName
from planner.fleet.inventory import Inventory, load_inventory, with_network
from planner.fleet.node import Node
from planner.fleet.node_group import NodeGroup, NodeList
from planner.near_names import near_names
from planner.request import Request

ADDED = "added-"
"""Stem of the names of nodes that a request adds to its inventory."""


def requested_inventory(request: Request) -> Inventory:
    """Return the nodes that a request may use; raises BadInput when a choice names none, or none is left."""
    inventory = load_inventory(request.on)
    if request.add_nodes:
        added = [_renamed(group) for group in load_inventory(request.add_nodes).groups]
        groups, notes = with_network([*inventory.groups, *added])
        assumptions = tuple(dict.fromkeys([*inventory.assumptions, *notes]))
        inventory = replace(inventory, nodes=NodeList(groups), assumptions=assumptions)
    for place, wanted in enumerate(request.models):
        for field, chosen in (("nodes", wanted.nodes), ("exclude_nodes", wanted.exclude_nodes)):
            _refuse_unknown(inventory, chosen, f"models.{place}.{field}")
    if not request.exclude_nodes:
        return inventory
    _refuse_unknown(inventory, request.exclude_nodes, "exclude_nodes")
    left = tuple(node for node in inventory.nodes if not chosen_by(node, request.exclude_nodes))
    if not left:
        raise BadInput("leaves no node", where="request", field="exclude_nodes", expected="at least one to stay")
    return replace(inventory, nodes=left)


def _renamed(group: NodeGroup) -> NodeGroup:
    like = replace(group.like, name=f"{ADDED}{group.like.name}")
    names = tuple(f"{ADDED}{name}" for name in group.names)
    return replace(group, like=like, stem=None if group.stem is None else f"{ADDED}{group.stem}", names=names)


def chosen_by(node: Node, choices: Sequence[str]) -> bool:
    """Whether any choice takes the node in: its name, a pattern of names, or `zone:`, `rack:`, `gpu:`."""
    return any(_chosen(node, choice) for choice in choices)


def may_use(request: Request, place: int, node: Node) -> bool:
    """Whether the model at `place` of a request may run on a node."""
    wanted = request.models[place]
    return (not wanted.nodes or chosen_by(node, wanted.nodes)) and not chosen_by(node, wanted.exclude_nodes)


def _chosen(node: Node, choice: str) -> bool:
    what, _, value = choice.partition(":")
    if value:
        return value in {"zone": (node.zone,), "rack": (node.rack,), "gpu": tuple(node.gpu_counts)}.get(what, ())
    return fnmatchcase(node.name, choice)


def _refuse_unknown(inventory: Inventory, choices: Sequence[str], field: str) -> None:
    for choice in choices:
        if any(_chosen(node, choice) for node in inventory.nodes):
            continue
        what, _, value = choice.partition(":")
        if value and what not in ("zone", "rack", "gpu"):
            expected = "a node, a pattern such as gpu-*, or zone:, rack: or gpu: with a name"
            raise BadInput(f"is {choice[:60]!r}", where="request", field=field, expected=expected)
        known = _names(inventory, what if value else "node")
        if not known:
            problem = f"is {choice[:60]!r}, and no node of the inventory names its {what}"
            raise BadInput(problem, where="request", field=field)
        near = near_names(value or choice, known) or known[:4]
        raise UnknownName(what if value else "node", (value or choice)[:60], near, where=f"request: {field}")


def _names(inventory: Inventory, what: str) -> list[str]:
    if what == "gpu":
        return list(inventory.gpu_kinds)
    nodes = inventory.nodes[:500]
    found = [{"zone": node.zone, "rack": node.rack}.get(what, node.name) for node in nodes]
    return list(dict.fromkeys(name for name in found if name))
