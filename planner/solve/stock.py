"""Slots that can still be taken from the nodes in use, one stock for each kind of pool of a node class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from planner.fleet.node import Node
from planner.solve.cutting import draw_slots
from planner.solve.pool import Pool
from planner.solve.slot import SlotKind


@dataclass(frozen=True)
class Slot:
    """GPUs of one node, by index, that hold a part of a replica; or with `share` so many parts of one GPU."""

    node: Node
    gpus: tuple[int, ...]
    share: int = 0

    @property
    def devices(self) -> list[str]:
        """Names of the GPUs."""
        return [self.node.device(index) for index in self.gpus]


class Stock(Protocol):
    """Gives out slots, at best from nodes that are already used for the same replica."""

    def take(self, kind: SlotKind, wanted: int, near: set[str]) -> Slot:
        """Take one slot of `wanted` more of its kind; raises LookupError when none is left."""


class OpenStock:
    """Pools whose GPUs are cut as slots are taken, larger slots before smaller ones."""

    def __init__(self, pools: Sequence[tuple[Node, Pool]], held: Mapping[str, set[int]]) -> None:
        self._nodes = [node for node, _ in pools]
        self._free = [sorted(pool.gpus - held.get(node.name, set())) for node, pool in pools]
        self._by_free: dict[int, dict[int, None]] = {}
        self._by_node: dict[str, list[int]] = {}
        for number, gpus in enumerate(self._free):
            self._by_free.setdefault(len(gpus), {})[number] = None
            self._by_node.setdefault(self._nodes[number].name, []).append(number)

    def take(self, kind: SlotKind, wanted: int, near: set[str]) -> Slot:
        """Take from a near node, else from the tightest pool with room for all, else from the emptiest."""
        number = next(self._candidates(kind.size, wanted, near), None)
        if number is None:
            raise LookupError(f"no {kind.size} free GPUs")
        gpus = self._free[number]
        del self._by_free[len(gpus)][number]
        self._free[number] = gpus[kind.size :]
        self._by_free.setdefault(len(self._free[number]), {})[number] = None
        return Slot(self._nodes[number], tuple(gpus[: kind.size]))

    def _candidates(self, size: int, wanted: int, near: set[str]) -> Iterator[int]:
        near_pools = [number for name in sorted(near) for number in self._by_node.get(name, ())]
        yield from (number for number in near_pools if len(self._free[number]) >= size)
        levels = sorted(level for level, members in self._by_free.items() if members and level >= size)
        enough = [level for level in levels if level >= size * wanted]
        for level in enough or reversed(levels):
            yield from self._by_free[level]


class CutStock:
    """Pools that are cut beforehand, each in its own way."""

    def __init__(self, pools: Sequence[tuple[Node, Pool]], ways: Sequence[dict[SlotKind, int]]) -> None:
        self._slots: dict[SlotKind, dict[str, list[Slot]]] = {}
        for (node, pool), way in zip(pools, ways, strict=False):
            kinds = [kind for kind, count in sorted(way.items(), key=lambda i: -i[0].size) for _ in range(count)]
            for kind, gpus in zip(kinds, draw_slots(pool, kinds, pool.gpus) or (), strict=True):
                self._slots.setdefault(kind, {}).setdefault(node.name, []).append(Slot(node, gpus))

    def take(self, kind: SlotKind, wanted: int, near: set[str]) -> Slot:
        """Take from a near node, else from the tightest node with all that are wanted, else from the fullest."""
        by_node = {name: slots for name, slots in self._slots.get(kind, {}).items() if slots}
        if not by_node:
            raise LookupError(f"no slot of {kind.size} GPUs is left")

        def order(name: str) -> tuple[bool, bool, int]:
            count = len(by_node[name])
            return (name not in near, count < wanted, count if count >= wanted else -count)

        return by_node[min(by_node, key=order)].pop(0)
