"""The size of the compute buffers: ggml's graph allocator, replayed (ggml/src/ggml-alloc.c).

Nodes are taken in the order of the graph, each in the buffer of its device. A result goes into the smallest
free block that holds it, or at the end; some operations write over an operand that nobody else needs; a
result is freed after its last use. A buffer is as large as the highest address that was ever taken.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from planner.engines.llamacpp.graph import Node
from planner.engines.llamacpp.options import HOST

_ALIGNMENT = 128


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


_Memories = defaultdict[int, _Memory]


def buffer_bytes(inputs: Iterable[Node], nodes: Sequence[Node]) -> dict[int, int]:
    """Return the size of each device's buffer (`HOST` for the host's); inputs come first. Nodes can be used once."""
    memories: _Memories = defaultdict(_Memory)
    for node in nodes:
        if node.view_of is not None:
            node.view_of.views += 1
        for source in node.sources:
            source.children += 1
    for node in nodes:
        if node.pinned:
            _allocate(memories, node)
    for node in inputs:
        _allocate(memories, node)
    for node in nodes:
        _allocate(memories, node)
        for source in node.sources:
            source.children -= 1
            if not source.children and not source.views:
                _release(memories, source)
    return {device: memory.peak for device, memory in memories.items()}


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT


def _device(node: Node) -> int:
    return HOST if node.device is None else node.device


def _allocate(memories: _Memories, node: Node) -> None:
    if node.owned or node.elsewhere or node.view_of is not None:
        return
    node.owned = True
    for source in node.sources if node.inplace else ():
        taken = source.owned and not source.pinned and source.children == 1 and not source.views
        if taken and source.layout == node.layout:
            node.offset, source.owned = source.offset, False
            node.device = source.device
            return
    node.offset = memories[_device(node)].take(_aligned(node.size))


def _release(memories: _Memories, node: Node) -> None:
    holder = node
    if node.view_of is not None:
        holder = node.view_of
        holder.views -= 1
        if holder.views or holder.children:
            return
    if holder.owned and not holder.pinned:
        memories[_device(holder)].give(holder.offset, _aligned(holder.size))
        holder.owned = False
