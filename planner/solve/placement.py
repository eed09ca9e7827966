"""From a solution to named devices: slots are cut from nodes, replicas kept together where they fit."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.node import Node
from planner.solve.node_class import NodeClass
from planner.solve.pool import Pool, pools
from planner.solve.rules import Rules
from planner.solve.shape import Shape
from planner.solve.solution import Solution
from planner.solve.stock import CutStock, OpenStock, Slot, Stock


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
    """Return every replica with its slots: larger slots first, each replica on as few nodes as it can be."""
    stocks = _stocks(classes, solution)
    left = Counter(solution.taken)
    copies = [shape for shape, count in solution.replicas for _ in range(count)]
    copies.sort(key=lambda shape: (-len(shape.slots), shape.rank))
    chosen: list[dict[int, Slot]] = [{} for _ in copies]
    order = [(number, place) for number, shape in enumerate(copies) for place in range(len(shape.slots))]
    order.sort(key=lambda item: -copies[item[0]].slots[item[1]].size)
    for number, place in order:
        shape, mine = copies[number], chosen[number]
        kind = shape.slots[place]
        wanted = shape.slot_counts[kind] - sum(shape.slots[other] == kind for other in mine)
        tenant = rules.tenant(shape)
        sources = [taken for taken in left if taken.kind == kind and taken.tenant == tenant and left[taken]]
        source = max(sources, key=lambda taken: (left[taken] >= wanted, -taken.node_class, -taken.pool))
        near = {slot.node.name for slot in mine.values()}
        mine[place] = stocks[source.node_class, source.pool].take(kind, wanted, near)
        left[source] -= 1
    placed = [
        Placed(shape, tuple(slots[place] for place in range(len(shape.slots))))
        for shape, slots in zip(copies, chosen, strict=True)
    ]
    return sorted(placed, key=lambda replica: (replica.shape.wanted, replica.shape.rank))


def _stocks(classes: Sequence[NodeClass], solution: Solution) -> dict[tuple[int, int], Stock]:
    """The pools of the nodes in use: the first nodes of each class."""
    stocks: dict[tuple[int, int], Stock] = {}
    for number, (node_class, count) in enumerate(zip(classes, solution.nodes, strict=True)):
        found: dict[object, list[tuple[Node, Pool]]] = {}
        for node in node_class.nodes[:count]:
            for pool in pools(node, node_class.realm, networked=node_class.networked):
                found.setdefault(pool.pattern, []).append((node, pool))
        for place, (example, _) in enumerate(node_class.pools):
            ways = [dict(way) for way, times in solution.cuts.get((number, place), ()) for _ in range(times)]
            members = found.get(example.pattern, [])
            stocks[number, place] = CutStock(members, ways) if ways else OpenStock(members)
    return stocks
