"""Rows and an objective that keep the replicas of an earlier plan where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from planner.errors import UnknownName
from planner.fleet.inventory import Inventory
from planner.solve.earlier import Earlier
from planner.solve.integer_programme import Adding, Terms
from planner.solve.node_class import NodeClass
from planner.solve.pool import pools
from planner.solve.shape import Shape
from planner.solve.stock import Slot
from planner.solve.taken import Taken
from planner.units import MIB

if TYPE_CHECKING:
    from planner.solve.fleet_programme import FleetProgramme


@dataclass(frozen=True)
class Kept:
    """An earlier replica that may stay: its shape, its slots on named devices, and what they are taken from."""

    earlier: Earlier
    shape: Shape
    slots: tuple[Slot, ...]
    sources: tuple[Taken, ...]


def keep(programme: "FleetProgramme", inventory: Inventory, earlier: Sequence[Earlier]) -> dict[int, Kept]:
    """Add a variable, 0 or 1, for each earlier replica that may stay, and return what each stands for.

    A replica that stays is one of its shape, and its slots are among those taken from its own nodes, each of
    which is a class of its own.
    """
    classes = {c.example.name: number for number, c in enumerate(programme.classes) if c.count == 1}
    found: dict[int, Kept] = {}
    copies: dict[int, Adding] = {}
    slots: dict[Taken, Adding] = {}
    for replica in earlier:
        stays = _stays(programme, inventory, classes, replica)
        if stays is None:
            continue
        variable = programme.rows.variable(1)
        found[variable] = stays
        number = next(n for n, shape in enumerate(programme.shapes) if shape is stays.shape)
        copies.setdefault(number, Adding()).add(variable, 1)
        for source in stays.sources:
            slots.setdefault(source, Adding()).add(variable, 1)
    for number, terms in copies.items():
        terms.add(programme.replicas[number], -1)
        programme.rows.at_most(terms, 0)
    for source, terms in slots.items():
        terms.add(programme.taken[source], -1)
        programme.rows.at_most(terms, 0)
    return found


def bytes_kept(kept: dict[int, Kept]) -> Terms:
    """Return what to minimise: less for each MiB of weights that need not be loaded anew."""
    return {variable: -max(1, stays.earlier.weight_bytes // MIB) for variable, stays in kept.items()}


def _stays(programme: "FleetProgramme", inventory: Inventory, classes: dict[str, int], replica: Earlier) -> Kept | None:
    shape = next((shape for shape in programme.shapes if replica.runs_as(shape)), None)
    if shape is None:
        return None
    devices, slots, sources = list(replica.devices), [], []
    for kind in shape.slots:
        mine, devices = devices[: kind.size], devices[kind.size :]
        try:
            places = [inventory.locate(device) for device in mine]
        except UnknownName:
            return None
        node, indices = places[0][0], tuple(index for _, index in places)
        number = classes.get(node.name)
        if number is None or any(other.name != node.name for other, _ in places):
            return None
        pool = _pool(programme.classes[number], indices)
        source = None if pool is None else Taken(number, pool, kind, programme.rules.tenant(shape))
        if source not in programme.taken:
            return None
        slots.append(Slot(programme.classes[number].example, indices, kind.share))
        sources.append(source)
    return Kept(replica, shape, tuple(slots), tuple(sources)) if not devices else None


def _pool(node_class: NodeClass, indices: Sequence[int]) -> int | None:
    """Place of the pool that holds these GPUs among those of the class."""
    for pool in pools(node_class.example, node_class.realm, networked=node_class.networked):
        if set(indices) <= pool.gpus:
            return next(n for n, (example, _) in enumerate(node_class.pools) if example.pattern == pool.pattern)
    return None
