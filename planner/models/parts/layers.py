"""A stack of layers of a few kinds: each kind is written once and repeated."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from planner.models.layer import Layer, Routing
from planner.models.parts.shape import Shape
from planner.models.tensor import Tensor

Kind = TypeVar("Kind", bound=Hashable)


def layers_of(kinds: Iterable[Kind], make: Callable[[Kind], Layer]) -> list[Layer]:
    """Return one layer for each entry of `kinds`; equal entries share one object."""
    made: dict[Kind, Layer] = {}
    layers = []
    for kind in kinds:
        if kind not in made:
            made[kind] = make(kind)
        layers.append(made[kind])
    return layers


def windowed(shape: Shape, tensors: Sequence[Tensor], windows: Iterable[int | None]) -> list[Layer]:
    """Repeat one dense layer, with full attention or the window that each place has."""
    return layers_of(windows, lambda window: Layer(tuple(tensors), shape.attention(window)))


def routed(
    shape: Shape,
    common: Sequence[Tensor],
    dense: Sequence[Tensor],
    experts: Sequence[Tensor],
    routing: Routing,
    *,
    sparse: Iterable[bool],
    windows: Iterable[int | None],
) -> list[Layer]:
    """Repeat two kinds of layer that share all but the feed-forward part: `dense`, or `experts` where `sparse`."""

    def make(kind: tuple[bool, int | None]) -> Layer:
        routes, window = kind
        feed_forward = experts if routes else dense
        return Layer((*common, *feed_forward), shape.attention(window), routing=routing if routes else None)

    return layers_of(zip(sparse, windows, strict=True), make)
