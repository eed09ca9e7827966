"""Exact dominance: drop a shape when copies of another one in its place do at least as well."""

from collections.abc import Mapping, Sequence

from planner.fleet.share import PARTS
from planner.solve.shape import Shape
from planner.solve.slot import IslandKind, SlotKind
from planner.units import ceil_div


def undominated(shapes: Sequence[Shape], needs: Mapping[str, int], *, one_for_one: bool = False) -> list[Shape]:
    """Keep the shapes of a model that no other can replace.

    Shape b goes when copies of a shape a, cut out of b's own slots, carry at least what b carries of
    everything the load needs, or all that it needs. Any plan with b stays a plan, at no more cost, with those
    copies in its place. Of equals the one with fewer stages stays, which answers sooner, then the one with more
    headroom. With `one_for_one` a single copy must do (where the number of replicas matters). A model is
    served in one variant, so shapes of others replace nothing.

    Workers of a pool replace only others of that pool; replicas that do both phases replace them too: with r of the
    load taken from the pools, both pools together still carry what is left for them.
    """

    def order(shape: Shape) -> tuple[object, ...]:
        carried = (-_useful(shape, need, amount) for need, amount in needs.items())
        stages = shape.layout.pipeline_parallel_size
        return (shape.gpus, shape.parts or PARTS, *carried, stages, -shape.headroom, shape.rank)

    kept: dict[object, list[Shape]] = {}
    for shape in sorted(shapes, key=order):
        rivals = [r for key in _places(shape) for r in kept.get(key, ())]
        for rival in rivals:
            if _replaces(rival, shape, needs, one_for_one):
                break
        else:
            kept.setdefault(_key(shape, shape.islands), []).append(shape)
    return sorted((shape for found in kept.values() for shape in found), key=lambda shape: shape.rank)


def _places(shape: Shape) -> list[object]:
    """Keys under which a rival that fits into the shape's slots is kept: some of the shape's own islands."""
    islands = sorted(shape.islands, key=lambda island: island.rank)
    subsets = [
        frozenset(islands[i] for i in range(len(islands)) if bits >> i & 1) for bits in range(1, 1 << len(islands))
    ]
    return [_key(shape, subset) for subset in subsets]


def _key(shape: Shape, islands: frozenset[IslandKind]) -> object:
    return (id(shape.variant), islands)


def copies_within(a: Shape, b: Shape) -> int:
    """Number of copies of a that the slots of b hold."""
    free = b.slot_counts
    return (
        min(_pieces(slot, free) // count for slot, count in a.slot_counts.items())
        if len(a.islands) == len(a.slot_counts)
        else 0
    )


def _pieces(slot: SlotKind, free: Mapping[SlotKind, int]) -> int:
    """Slots of a kind that can be cut from free ones of the same island kind, shares from larger shares."""
    return sum(
        count * (other.share // slot.share if slot.share else other.size // slot.size)
        for other, count in free.items()
        if other.island == slot.island and bool(other.share) == bool(slot.share)
    )


def _replaces(a: Shape, b: Shape, needs: Mapping[str, int], one_for_one: bool) -> bool:
    if not a.parts and not _carries(a, b.gpus // a.gpus, b, needs):
        return False
    copies = copies_within(a, b)
    if one_for_one:
        copies = min(copies, 1)
    if copies <= 0 or not _stands_in(a, b, copies, needs):
        return False
    return _carries(a, copies, b, needs)


def _carries(a: Shape, copies: int, b: Shape, needs: Mapping[str, int]) -> bool:
    """Whether so many copies of a carry what b carries, or all that is needed."""
    return all(copies * a.capacity[need] >= _useful(b, need, amount) for need, amount in needs.items())


def _useful(shape: Shape, need: str, amount: int) -> int:
    """What a replica carries of a need, up to all of it."""
    return min(shape.capacity[need], amount)


def _stands_in(a: Shape, b: Shape, copies: int, needs: Mapping[str, int]) -> bool:
    """Whether what a carries counts wherever what b carries does: replicas that do both phases count everywhere.

    Without a rate, decode workers ask something of the prefill workers, whom only others of them can replace.
    """
    rated = needs.keys() != {"sequences"}
    if a.phase is None:
        return rated or b.phase != "prefill"
    if a.phase != b.phase or a.way != b.way:
        return False
    if a.phase == "prefill":
        return rated or copies * a.capacity["requests"] >= b.capacity["requests"]
    enough = ceil_div(_useful(b, "sequences", needs["sequences"]), max(1, a.capacity["sequences"]))
    return rated or enough * a.capacity["requests"] <= b.capacity["requests"]
