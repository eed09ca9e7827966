"""A computation graph as ggml's scheduler and allocator see it: sizes, shapes, operands, and where weights lie."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from math import prod

from planner.engines.llamacpp.options import HOST


@dataclass(frozen=True, eq=False, slots=True)
class Weight:
    """A weight tensor that an operation reads; the size matters only where it must be copied to run elsewhere.

    Operations that share the object share the copy.
    """

    device: int
    size: int = 0


@dataclass(eq=False, slots=True)
class Node:
    """A result of one operation.

    `layout` (type and shape) decides whether an operand's memory can be taken over, when `inplace`. A view has
    no memory of its own; what is written into the cache lies `elsewhere`. `device` is None until it is assigned.
    `rows` are the tokens it works on, which decide whether a weight on the host is worth a copy.
    """

    size: int
    layout: Hashable = None
    sources: tuple["Node", ...] = ()
    view_of: "Node | None" = None
    inplace: bool = False
    weights: tuple[Weight, ...] = ()
    device: int | None = None
    rows: int = 0
    given: bool = False
    elsewhere: bool = False
    pinned: bool = False
    children: int = field(default=0, repr=False)
    views: int = field(default=0, repr=False)
    offset: int = field(default=-1, repr=False)
    owned: bool = field(default=False, repr=False)


class Graph:
    """Results in the order they are computed. Sizes are of 32-bit numbers unless `bytes_each` says."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Node] = []

    def given(self, shape: tuple[int, ...], bytes_each: int = 4) -> Node:
        """An input that the host fills in before each step."""
        node = Node(prod(shape) * bytes_each, (bytes_each, *shape), device=HOST, given=True)
        self.inputs.append(node)
        return node

    def add(
        self,
        shape: tuple[int, ...],
        *sources: Node,
        inplace: bool = False,
        bytes_each: int = 4,
        weights: tuple[Weight, ...] = (),
        rows: int = 0,
        at: int | None = None,
        beside: int = 0,
    ) -> Node:
        """A result with memory of its own, or that of an operand of the same shape when `inplace`.

        `beside` are bytes that the operation wants behind its result.
        """
        size = prod(shape) * bytes_each + beside
        node = Node(size, (bytes_each, *shape), sources, None, inplace, weights, at, rows or shape[-1])
        self.nodes.append(node)
        return node

    def view(self, of: Node, shape: tuple[int, ...] = ()) -> Node:
        """Another shape of a result."""
        base = of.view_of or of
        node = Node(base.size, (4, *shape), (of,), base)
        self.nodes.append(node)
        return node

    def use(self, *sources: Node, at: int) -> None:
        """A write into the cache on a device."""
        self.nodes.append(Node(0, None, sources, device=at, elsewhere=True))
