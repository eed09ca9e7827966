"""Ways to cut an island of GPUs into groups that each hold one pipeline stage."""

from collections.abc import Sequence
from functools import cache


def cuttings(gpus: int, sizes: Sequence[int]) -> list[dict[int, int]]:
    """Return the maximal cuttings of `gpus` into groups of these sizes, as size -> count.

    A cutting is maximal when no further group fits; cuttings that leave room for one more are
    never needed, because an unused group costs nothing.
    """
    ordered = tuple(sorted(set(sizes), reverse=True))
    return [dict(zip(ordered, counts, strict=True)) for counts in _cut(gpus, ordered) if any(counts)]


@cache
def _cut(gpus: int, sizes: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    if not sizes:
        return ((),)
    largest, rest = sizes[0], sizes[1:]
    found = []
    for count in range(gpus // largest, -1, -1):
        left = gpus - count * largest
        for tail in _cut(left, rest):
            spare = left - sum(n * size for n, size in zip(tail, rest, strict=True))
            if spare < min(sizes):
                found.append((count, *tail))
    return tuple(found)
