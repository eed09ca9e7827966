"""Which device computes what, and what is copied between them (ggml/src/ggml-backend.cpp, split_graph).

Operations with weights run where the weights are; a weight on the host is copied to the first device when a
batch is worth it. The rest joins its neighbours: devices spread over what lies between, down and then up.
Runs on one device are splits; what a split reads from elsewhere is copied at its start, once a device.
"""

from collections.abc import Callable, Iterable

from planner.engines.llamacpp.graph import Graph, Node, Weight
from planner.engines.llamacpp.options import HOST

Worth = Callable[[Node], bool]
"""Whether an operation is worth a copy of its weights from the host."""


def schedule(graph: Graph, copies: int, worth: Worth) -> list[Node]:
    """Return the nodes in the order of allocation, with the copies between devices among them.

    With several `copies` (pipeline parallelism) inputs and copies are pinned, so often each.
    """
    for node in graph.nodes:
        if node.device is None and node.weights:
            node.device = _preferred(node, worth)
    working = [node for node in graph.nodes if node.view_of is None]
    _spread(working, skip_host=True)
    _spread(reversed(working), skip_host=True)
    _spread(working, skip_host=False)
    _spread(reversed(working), skip_host=False)
    return _Splits(graph, copies).ordered


def _preferred(node: Node, worth: Worth) -> int:
    at = node.weights[0].device
    return 0 if at == HOST and worth(node) else at


def _spread(nodes: Iterable[Node], *, skip_host: bool) -> None:
    current: int | None = None
    for node in nodes:
        if node.device is None:
            node.device = current
        else:
            current = None if skip_host and node.device == HOST else node.device


class _Splits:
    """Cuts the graph into splits and lists what is allocated when."""

    def __init__(self, graph: Graph, copies: int) -> None:
        self.copies = copies
        self.pinned: list[Node] = []
        self.copied: dict[tuple[Node, int], Node] = {}
        self.lent: dict[tuple[Weight, int | None], Node] = {}
        self.done: list[Node] = []
        self.arriving: list[Node] = []
        self.split: list[Node] = []
        self.at: int | None = None
        for given in graph.inputs:
            given.pinned = copies > 1
            if given.pinned:
                self.pinned += [given, *_pinned_twins(given, HOST, copies - 1)]
        for node in graph.nodes:
            self._take(node)
        self._close()
        self.ordered = [*self.pinned, *self.done]

    def _take(self, node: Node) -> None:
        if node.view_of is not None:
            self.split.append(node)
            return
        foreign = any(weight.device != node.device for weight in node.weights)
        if node.device != self.at or (foreign and self.arriving):
            self._close()
            self.at = node.device
        for weight in node.weights:
            if weight.device != node.device:
                node.sources = (*node.sources, self._lent(weight, node.device))
        node.sources = tuple(self._here(source) for source in node.sources)
        self.split.append(node)

    def _lent(self, weight: Weight, device: int | None) -> Node:
        """The copy of a weight, which stays until the last operation that wants it there."""
        copy = self.lent.get((weight, device))
        if copy is None:
            copy = self.lent[weight, device] = Node(weight.size, None, device=device)
            self.arriving.append(copy)
        return copy

    def _here(self, source: Node) -> Node:
        base = source.view_of or source
        if base.device == self.at or base.device is None:
            return source
        assert self.at is not None
        copy = self.copied.get((source, self.at))
        if copy is None:
            copy = Node(source.size, source.layout, device=self.at, pinned=self.copies > 1)
            self.copied[source, self.at] = copy
            self.arriving += [Node(0, None, (source,), elsewhere=True), copy]
            if copy.pinned:
                self.pinned += [copy, *_pinned_twins(source, self.at, self.copies - 1)]
        return copy

    def _close(self) -> None:
        self.done += self.arriving
        self.done += self.split
        self.arriving, self.split = [], []


def _pinned_twins(node: Node, device: int, count: int) -> list[Node]:
    return [Node(node.size, node.layout, device=device, pinned=True) for _ in range(count)]
