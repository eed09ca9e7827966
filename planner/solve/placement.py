"""From a solution to named devices: every stage on its own GPUs, replicas kept together where they fit."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.node import Node
from planner.solve.node_class import NodeClass
from planner.solve.programme import Group, Solution
from planner.solve.shape import Shape


@dataclass(frozen=True)
class Slot:
    """A group of GPUs of one node, cut out for one stage."""

    node: Node
    gpus: tuple[int, ...]

    @property
    def devices(self) -> list[str]:
        """Names of the GPUs."""
        return [self.node.device(index) for index in self.gpus]


def place(shapes: Sequence[Shape], classes: Sequence[NodeClass], solution: Solution) -> list[tuple[Shape, list[Slot]]]:
    """Return each replica with the slots of its stages, larger groups first, in node order."""
    slots = _slots(classes, solution)
    replicas = []
    order = sorted(range(len(shapes)), key=lambda i: (-shapes[i].group, -shapes[i].groups, i))
    for index in order:
        shape = shapes[index]
        for _ in range(solution.replicas[index]):
            free = slots[shape.gpu.slug, shape.group]
            chosen, slots[shape.gpu.slug, shape.group] = _together(free, shape.groups)
            replicas.append((shape, chosen))
    return replicas


def _together(free: list[Slot], wanted: int) -> tuple[list[Slot], list[Slot]]:
    """Take slots from as few nodes as possible: the tightest node that holds all, else the fullest first."""
    by_node: dict[str, list[Slot]] = {}
    for slot in free:
        by_node.setdefault(slot.node.name, []).append(slot)
    enough = [slots for slots in by_node.values() if len(slots) >= wanted]
    if enough:
        chosen = min(enough, key=len)[:wanted]
    else:
        fullest = sorted(by_node.values(), key=len, reverse=True)
        chosen = [slot for slots in fullest for slot in slots][:wanted]
    return chosen, [slot for slot in free if slot not in chosen]


def _slots(classes: Sequence[NodeClass], solution: Solution) -> dict[Group, list[Slot]]:
    found: dict[Group, list[Slot]] = {}
    for node_class, cuts in zip(classes, solution.cuts, strict=True):
        nodes = iter(node_class.nodes)
        for way, times in sorted(cuts.items(), reverse=True):
            for _ in range(times):
                node = next(nodes)
                for group, slots in _cut_node(node, way).items():
                    found.setdefault(group, []).extend(slots)
    return found


def _cut_node(node: Node, way: tuple[tuple[Group, int], ...]) -> dict[Group, list[Slot]]:
    """Cut the islands of one node, largest groups into the tightest island that takes them."""
    free = [
        (slug, [i for i in island.gpus if node.gpus[i].slug == slug])
        for slug in node.gpu_counts
        for island in node.islands
        if not any(set(island.gpus) < set(other.gpus) for other in node.islands)
    ]
    slots: dict[Group, list[Slot]] = {}
    for (slug, size), times in sorted(way, key=lambda item: -item[0][1]):
        for _ in range(times):
            island = min((gpus for kind, gpus in free if kind == slug and len(gpus) >= size), key=len)
            slots.setdefault((slug, size), []).append(Slot(node, tuple(island[:size])))
            del island[:size]
    return slots
