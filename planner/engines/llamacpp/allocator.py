"""The size of a compute buffer: ggml's graph allocator, replayed (ggml/src/ggml-alloc.c).

Nodes are taken in the order of the graph. Each result goes into the smallest free block that holds it, or at
the end; some operations write over an operand that nobody else needs; a result is freed after its last use.
The buffer is as large as the highest address that was ever taken.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

_ALIGNMENT = 128


@dataclass(eq=False, slots=True)
class Node:
    """A result of one operation on one device.

    `layout` (type and shape) decides whether an operand's memory can be taken over, when `inplace`. A view
    has no memory of its own. `pinned` inputs are there from the start and never freed (pipeline copies).
    External operands (weights, caches) are not listed in `sources`.
    """

    size: int
    layout: Hashable = None
    sources: tuple["Node", ...] = ()
    view_of: "Node | None" = None
    inplace: bool = False
    pinned: bool = False
    children: int = field(default=0, repr=False)
    views: int = field(default=0, repr=False)
    offset: int = field(default=-1, repr=False)
    owned: bool = field(default=False, repr=False)


class _Memory:
    """Free blocks sorted by address; the last one is endless."""

    def __init__(self) -> None:
        self.free: list[list[int]] = [[0, 1 << 62]]
        self.peak = 0

    def take(self, size: int) -> int:
        best = -1
        for index, (_, length) in enumerate(self.free[:-1]):
            if length >= size and (best < 0 or length <= self.free[best][1]):
                best = index
        block = self.free[best]
        offset = block[0]
        block[0] += size
        block[1] -= size
        if not block[1]:
            del self.free[best]
        self.peak = max(self.peak, offset + size)
        return offset

    def give(self, offset: int, size: int) -> None:
        for index, block in enumerate(self.free):
            if block[0] + block[1] == offset:
                block[1] += size
                if index + 1 < len(self.free) and block[0] + block[1] == self.free[index + 1][0]:
                    block[1] += self.free[index + 1][1]
                    del self.free[index + 1]
                return
            if offset + size == block[0]:
                block[0], block[1] = offset, block[1] + size
                return
        place = next((index for index, block in enumerate(self.free) if block[0] > offset), len(self.free))
        self.free.insert(place, [offset, size])


def buffer_bytes(nodes: Sequence[Node]) -> int:
    """Return the size of the buffer that holds these results, taken in order. Nodes can be used once."""
    memory = _Memory()
    for node in nodes:
        if node.view_of is not None:
            node.view_of.views += 1
        for source in node.sources:
            source.children += 1
    for node in nodes:
        if node.pinned:
            _allocate(memory, node)
    for node in nodes:
        _allocate(memory, node)
        for source in node.sources:
            source.children -= 1
            if not source.children and not source.views:
                _release(memory, source)
    return memory.peak


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _allocate(memory: _Memory, node: Node) -> None:
    if node.owned or node.view_of is not None:
        return
    node.owned = True
    for source in node.sources if node.inplace else ():
        taken = source.owned and not source.pinned and source.children == 1 and not source.views
        if taken and source.layout == node.layout:
            node.offset, source.owned = source.offset, False
            return
    node.offset = memory.take(_aligned(node.size))


def _release(memory: _Memory, node: Node) -> None:
    holder = node
    if node.view_of is not None:
        holder = node.view_of
        holder.views -= 1
        if holder.views or holder.children:
            return
    if holder.owned and not holder.pinned:
        memory.give(holder.offset, _aligned(holder.size))
        holder.owned = False
