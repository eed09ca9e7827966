"""Node groups: nodes that are alike but for their names, kept as one node and a count."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import overload

from planner.fleet.node import Node


@dataclass(frozen=True)
class NodeGroup:
    """`count` nodes like `like`, named `stem` and a number from `first` up, or each as `names` says.

    With neither the one node keeps its name. `domain_nodes` nodes in a row share one NVLink domain (0: as
    `like` says).
    """

    like: Node
    count: int = 1
    stem: str | None = None
    first: int = 0
    domain_nodes: int = 0
    names: tuple[str, ...] = ()

    def name(self, index: int) -> str:
        """Name of one node."""
        if self.names:
            return self.names[index]
        return self.like.name if self.stem is None else f"{self.stem}{self.first + index}"

    def node(self, index: int) -> Node:
        """One node, under its own name and in its own NVLink domain."""
        name = self.name(index)
        if not self.domain_nodes:
            return replace(self.like, name=name)
        return replace(self.like, name=name, nvlink_domain=self.domain(index))

    def domain(self, index: int) -> str | None:
        """NVLink domain of one node: named after the first node in it."""
        if not self.domain_nodes:
            return self.like.nvlink_domain
        return f"{self.name(index // self.domain_nodes * self.domain_nodes)}-nvlink"

    def index_of(self, name: str) -> int | None:
        """Which node of the group has this name; None when none has."""
        if self.names:
            return self._numbers.get(name)
        if self.stem is None:
            return 0 if name == self.like.name else None
        digits = name.removeprefix(self.stem)
        if not name.startswith(self.stem) or not digits.isascii() or not digits.isdigit() or len(digits) > 9:
            return None
        index = int(digits) - self.first
        return index if 0 <= index < self.count and self.name(index) == name else None

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.names)}


class NodeList(Sequence[Node]):
    """The nodes of several groups in order, each made when it is asked for."""

    def __init__(self, groups: Sequence[NodeGroup]) -> None:
        self.groups = tuple(groups)

    @cached_property
    def _ends(self) -> list[int]:
        return list(accumulate(group.count for group in self.groups))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Node: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Node, ...]: ...
    def __getitem__(self, index: int | slice) -> Node | tuple[Node, ...]:
        """One node, or a slice of them."""
        if isinstance(index, slice):
            return tuple(self[i] for i in range(*index.indices(len(self))))
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = bisect_right(self._ends, index)
        group = self.groups[number]
        return group.node(index - self._ends[number] + group.count)

    def __iter__(self) -> Iterator[Node]:
        return (group.node(index) for group in self.groups for index in range(group.count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NodeList) and self.groups == other.groups

    def __hash__(self) -> int:
        return hash(self.groups)
