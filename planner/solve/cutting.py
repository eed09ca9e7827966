"""Ways to cut a pool of GPUs into slots."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import combinations_with_replacement, pairwise

from planner.solve.pool import Pool
from planner.solve.slot import SlotKind

Cut = Mapping[SlotKind, int]


def divides_in_chain(sizes: Sequence[int]) -> bool:
    """Whether each size divides the next larger one, as 1, 2, 4, 8 do."""
    ordered = sorted(set(sizes))
    return all(larger % smaller == 0 for smaller, larger in pairwise(ordered))


def cuttings(length: int, sizes: Sequence[int]) -> list[dict[int, int]]:
    """Return the maximal cuttings of `length` units into pieces of these sizes, as size -> count.

    A cutting is maximal when no further piece fits; others are never needed, because an unused piece
    costs nothing.
    """
    ordered = tuple(sorted(set(sizes), reverse=True))
    return [dict(zip(ordered, counts, strict=True)) for counts in _cut(length, ordered) if any(counts)]


@cache
def _cut(length: int, sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    if not sizes:
        return ((),)
    largest, rest = sizes[0], sizes[1:]
    found = []
    for count in range(length // largest, -1, -1):
        left = length - count * largest
        for tail in _cut(left, rest):
            spare = left - sum(n * size for n, size in zip(tail, rest, strict=True))
            if spare < min(sizes):
                found.append((count, *tail))
    return tuple(found)


def cut_pool(pool: Pool, kinds: Sequence[SlotKind]) -> list[dict[SlotKind, int]]:
    """Return the maximal cuttings of a pool whose islands nest or whose GPUs are unevenly full.

    Walks through the slot kinds with the set of all ways to have drawn the GPUs so far, so that a
    cutting is found when any way leads to it.
    """
    return _maximal([dict(cut) for cut in _cut_kinds(pool, tuple(kinds), frozenset({pool.gpus}))])


def _cut_kinds(
    pool: Pool, kinds: tuple[SlotKind, ...], free: frozenset[frozenset[int]]
) -> Iterator[tuple[tuple[SlotKind, int], ...]]:
    if not kinds:
        yield ()
        return
    count = 0
    while free:
        for rest in _cut_kinds(pool, kinds[1:], free):
            yield ((kinds[0], count), *rest) if count else rest
        free = frozenset(left for state in free for left in _draw(pool, kinds[0], state))
        count += 1


def _draw(pool: Pool, kind: SlotKind, free: frozenset[int]) -> set[frozenset[int]]:
    """All that may be left after one slot is taken; GPUs that lie in the same scopes are drawn lowest first."""
    left = set()
    for scope in pool.scopes:
        if scope.kind != kind.island:
            continue
        alike: dict[tuple[bool, ...], list[int]] = {}
        for gpu in sorted(free & scope.gpus):
            alike.setdefault(tuple(gpu in other.gpus for other in pool.scopes), []).append(gpu)
        for chosen in combinations_with_replacement(range(len(alike)), kind.size):
            groups = list(alike.values())
            if all(chosen.count(number) <= len(groups[number]) for number in set(chosen)):
                taken = {gpu for number in set(chosen) for gpu in groups[number][: chosen.count(number)]}
                left.add(free - taken)
    return left


def _maximal(cuts: list[dict[SlotKind, int]]) -> list[dict[SlotKind, int]]:
    def within(cut: Cut, other: Cut) -> bool:
        return cut != other and all(count <= other.get(kind, 0) for kind, count in cut.items())

    unique = list({tuple(sorted(cut.items(), key=lambda item: item[0].rank)): cut for cut in cuts if cut}.values())
    return [cut for cut in unique if not any(within(cut, other) for other in unique)]


def draw_slots(pool: Pool, wanted: Sequence[SlotKind], free: frozenset[int]) -> list[tuple[int, ...]] | None:
    """Name the GPUs of each wanted slot, in the order given; None when they cannot all be cut from `free`."""
    if not wanted:
        return []
    for left in sorted(_draw(pool, wanted[0], free), key=sorted):
        rest = draw_slots(pool, wanted[1:], left)
        if rest is not None:
            return [tuple(sorted(free - left)), *rest]
    return None
