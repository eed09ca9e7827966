"""From a solution to named devices: slots are cut from nodes, replicas kept together where they fit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from planner.fleet.node import Node
from planner.fleet.share import PARTS, free_parts
from planner.solve.keeping import Kept
from planner.solve.node_class import NodeClass
from planner.solve.pool import Pool, pools
from planner.solve.rules import Rules
from planner.solve.shape import Shape
from planner.solve.shared_stock import SharedStock
from planner.solve.solution import Solution
from planner.solve.stock import CutStock, OpenStock, Slot, Stock
from planner.solve.taken import SharedPool


@dataclass(frozen=True)
class Placed:
    """A replica on its slots, which follow each other as the slots of its shape do."""

    shape: Shape
    slots: tuple[Slot, ...]

    @property
    def devices(self) -> list[str]:
        """Names of the GPUs, in the order of the ranks."""
        return [device for slot in self.slots for device in slot.devices]

    @property
    def nodes(self) -> dict[str, Node]:
        """The nodes it lies on, by name."""
        return {slot.node.name: slot.node for slot in self.slots}


def place(classes: Sequence[NodeClass], rules: Rules, solution: Solution) -> list[Placed]:
    """Return every replica with its slots: larger slots first, shares last, each replica on as few nodes as can be.

    Replicas that stay keep their devices, unless the rest cannot be cut from what is left beside them.
    """
    try:
        return _place(classes, rules, solution, solution.kept)
    except LookupError:
        if not solution.kept:
            raise
        return _place(classes, rules, solution, ())


def _place(classes: Sequence[NodeClass], rules: Rules, solution: Solution, kept: Sequence[Kept]) -> list[Placed]:
    stocks = _stocks(classes, solution, kept)
    shared = _shared_stocks(stocks, solution, kept)
    left = Counter(solution.taken)
    left.subtract(source for stays in kept for source in stays.sources)
    staying = Counter(id(stays.shape) for stays in kept)
    copies = [shape for shape, count in solution.replicas for _ in range(count - staying[id(shape)])]
    copies.sort(key=lambda shape: (-len(shape.slots), shape.rank))
    chosen: list[dict[int, Slot]] = [{} for _ in copies]
    order = [(number, place) for number, shape in enumerate(copies) for place in range(len(shape.slots))]
    order.sort(key=lambda item: (-copies[item[0]].slots[item[1]].size, -(copies[item[0]].parts or PARTS)))
    for number, place in order:
        shape, mine = copies[number], chosen[number]
        kind = shape.slots[place]
        wanted = shape.slot_counts[kind] - sum(shape.slots[other] == kind for other in mine)
        tenant = rules.tenant(shape)
        sources = [taken for taken in left if taken.kind == kind and taken.tenant == tenant and left[taken]]
        source = max(sources, key=lambda taken: (left[taken] >= wanted, -taken.node_class, -taken.pool))
        near = {slot.node.name for slot in mine.values()}
        if kind.share:
            mine[place] = shared[SharedPool(source.node_class, source.pool, kind.island)].take(kind, near)
        else:
            mine[place] = stocks[source.node_class, source.pool].take(kind, wanted, near)
        left[source] -= 1
    placed = [
        Placed(shape, _in_runs(shape, [slots[place] for place in range(len(shape.slots))]))
        for shape, slots in zip(copies, chosen, strict=True)
    ]
    placed += [Placed(stays.shape, stays.slots) for stays in kept]
    return sorted(placed, key=lambda replica: (replica.shape.wanted, replica.shape.rank))


def _in_runs(shape: Shape, slots: Sequence[Slot]) -> tuple[Slot, ...]:
    """Among neighbours of one kind, put those of a node beside each other: fewer steps lead from node to node.

    The node with the fewest comes first: MPI finds the GPUs of a replica that fills the nodes after it.
    """
    found: list[Slot] = []
    for _, run in groupby(zip(shape.slots, slots, strict=True), key=lambda pair: pair[0]):
        mine = [slot for _, slot in run]
        on_node = Counter(slot.node.name for slot in mine)
        nodes = sorted(on_node, key=lambda name: on_node[name])
        found += sorted(mine, key=lambda slot: nodes.index(slot.node.name))
    return tuple(found)


def _shared_stocks(
    stocks: Mapping[tuple[int, int], Stock], solution: Solution, kept: Sequence[Kept]
) -> dict[SharedPool, SharedStock]:
    """The GPUs that are shared out, with the shares on them that replicas keep."""
    held: dict[SharedPool, list[Slot]] = {}
    for stays in kept:
        for source, slot in zip(stays.sources, stays.slots, strict=True):
            if slot.share:
                held.setdefault(SharedPool(source.node_class, source.pool, source.kind.island), []).append(slot)
    found = {}
    for pool, most in solution.shared.items():
        ways = [dict(way) for way, times in solution.shared_cuts[pool] for _ in range(times)]
        length = free_parts(pool.island.gpu, pool.island.used_bytes)
        stock = stocks[pool.node_class, pool.pool]
        found[pool] = SharedStock(stock, pool.island, length, most, ways, held.get(pool, ()))
    return found


def _stocks(classes: Sequence[NodeClass], solution: Solution, kept: Sequence[Kept]) -> dict[tuple[int, int], Stock]:
    """The pools of the nodes in use, the first nodes of each class, without the GPUs of replicas that stay."""
    held: dict[str, set[int]] = {}
    for slot in (slot for stays in kept for slot in stays.slots):
        held.setdefault(slot.node.name, set()).update(slot.gpus)
    stocks: dict[tuple[int, int], Stock] = {}
    for number, (node_class, count) in enumerate(zip(classes, solution.nodes, strict=True)):
        found: dict[object, list[tuple[Node, Pool]]] = {}
        for node in node_class.nodes[:count]:
            for pool in pools(node, node_class.realm, networked=node_class.networked):
                found.setdefault(pool.pattern, []).append((node, pool))
        for place, (example, _) in enumerate(node_class.pools):
            ways = [dict(way) for way, times in solution.cuts.get((number, place), ()) for _ in range(times)]
            members = found.get(example.pattern, [])
            if ways and any(node.name in held for node, _ in members):
                raise LookupError("pools that are cut beforehand cannot be cut around replicas that stay")
            stocks[number, place] = CutStock(members, ways) if ways else OpenStock(members, held)
    return stocks
