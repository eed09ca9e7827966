"""Layouts whose stages lie on several island kinds, or differ in their tensor-parallel size."""

from collections.abc import Mapping, Sequence

from planner.request import ModelRequest
from planner.solve.enumerate_shapes import DEEPEST, Grounds, Shapes, Tried, try_split
from planner.solve.shape import Shape
from planner.solve.slot import IslandKind
from planner.solve.splits import Stages, mixed_splits
from planner.solve.variant import Variant
from planner.units import ceil_div

Enough = frozenset[tuple[IslandKind, int, int]]
"""Slots of one island kind, their size and their number, with which nothing else of a pipeline is of use."""


def enough_for(shapes: Sequence[Shape], variant: Variant, load: Mapping[str, int], *, one_for_one: bool) -> Enough:
    """The slots of one island kind on which copies of one of the shapes carry a whole load.

    Or as much of it as a pipeline may run at once. With `one_for_one` a single copy must do.
    """
    most = variant.limits.max_num_seqs or load["sequences"]
    useful = {**load, "sequences": min(load["sequences"], most)}
    found: dict[tuple[IslandKind, int], int] = {}
    for shape in shapes:
        if shape.phase is None and not shape.parts and all(shape.capacity.get(need, 0) for need in useful):
            copies = max(ceil_div(amount, shape.capacity[need]) for need, amount in useful.items())
            if copies == 1 or not one_for_one:
                slot, count = shape.slots[0], copies * len(shape.slots)
                found[slot.island, slot.size] = min(count, found.get((slot.island, slot.size), count))
    return frozenset((island, size, count) for (island, size), count in found.items())


def mixed_shapes(
    place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, tried: Tried, enough: Enough
) -> Shapes:
    """Try every split on several island kinds of a variant of the model at `place`, but for what was `tried`.

    Those of which the stages on one kind are `enough` are counted but not billed: copies of another one replace them.
    """
    found = Shapes()
    for split in mixed_splits(variant.model, ground.slots, deepest=DEEPEST, own_tensor=variant.own_tensor):
        if any(_within(run, enough) for run in split.stages):
            found.considered += 1
        else:
            try_split(found, place, wanted, variant, split, ground, tried)
    return found


def _within(run: Stages, enough: Enough) -> bool:
    """Whether the slots of a run of stages, or parts of them, are enough."""
    return any(run.island == island and run.count * (run.tensor // size) >= count for island, size, count in enough)
