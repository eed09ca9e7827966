"""Candidate tensor-parallel groups: GPUs of one kind that share an island, the best linked first."""

from collections.abc import Iterator
from dataclasses import dataclass

from planner.fleet.island import Island
from planner.fleet.node import Node


@dataclass(frozen=True)
class TensorGroup:
    """GPUs of one node, by index, and the island that joins them; `gbps` is per direction and GPU."""

    gpus: tuple[int, ...]
    island: Island

    @property
    def gbps(self) -> float:
        """What each of them gets while all talk."""
        return self.island.group_gbps(len(self.gpus))

    @property
    def bridged(self) -> bool:
        """Whether NVLink or xGMI joins them all."""
        return self.island.link.peer_access


def nested_islands(node: Node) -> tuple[tuple[Island, tuple[Island, ...]], ...]:
    """Each island of a node with the islands that lie directly in it, outermost first."""
    ordered = sorted(node.islands, key=lambda island: (-island.size, island.gpus, -island.gbps))
    nested = []
    for number, outer in enumerate(ordered):
        inner = [island for island in ordered[number + 1 :] if set(island.gpus) < set(outer.gpus)]
        direct = tuple(i for i in inner if not any(set(i.gpus) < set(other.gpus) for other in inner))
        nested.append((outer, direct))
    return tuple(nested)


def tensor_groups(node: Node, slug: str, size: int) -> tuple[TensorGroup, ...]:
    """Disjoint groups of `size` usable GPUs of a kind, each inside one island, the fastest islands first.

    Of a node of NVLink pairs, size 2 gives the pairs; size 4 two pairs over PCIe, never halves of pairs.
    Slices and shares of a GPU make groups of one.
    """
    free = {index for index in node.usable if node.gpus[index].slug == slug}
    if size > 1:
        free = {index for index in free if node.gpus[index].whole}
    groups: list[TensorGroup] = []
    ordered = sorted(node.islands, key=lambda island: (-island.group_gbps(size), island.size, island.gpus))
    for island in ordered:
        members = [index for index in _kept_together(node, island) if index in free]
        while len(members) >= size:
            chosen, members = tuple(sorted(members[:size])), members[size:]
            groups.append(TensorGroup(chosen, island))
            free -= set(chosen)
    return tuple(groups)


def _kept_together(node: Node, island: Island) -> Iterator[int]:
    """GPUs of an island so that those of the islands inside it stay side by side, larger inner islands first."""
    inner = [other for other in node.islands if set(other.gpus) < set(island.gpus)]
    seen: set[int] = set()
    for other in sorted(inner, key=lambda other: (-other.size, other.gpus)):
        yield from (index for index in other.gpus if index not in seen)
        seen |= set(other.gpus)
    yield from (index for index in island.gpus if index not in seen)
