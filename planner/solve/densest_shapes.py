"""The layouts that matter where nothing but the most that very many GPUs carry is looked for.

Of many slots of a kind the layout that carries most for each fills them all but for a few. Longer pipelines promise how
much they may carry, and only those that promise more than what is billed are billed; where speed counts nothing is
promised, and pipelines are tried as long as they carry more a GPU than shorter ones.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from planner.request import ModelRequest
from planner.solve.enumerate_shapes import DEEPEST, Grounds, Shapes, Tried, bill_promised, enumerate_shapes
from planner.solve.promised import Promised
from planner.solve.side_by_side import side_by_side
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.variant import Variant

_NO_MORE = Fraction(1001, 1000)
"""What is promised must be so much more than what is billed to be billed: the last digit of a load is nothing."""
_MISSES = 3
"""Bills in a row, of pipelines of the same stages, that carry no more than others, after which no more are made."""


def densest_shapes(place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, tried: Tried) -> Shapes:
    """Return the shortest pipelines that fit, and those that carry most of each kind of slots."""
    islands, found = list(ground.slots), Shapes()
    alike = _alike(ground)
    for deepest in (DEEPEST, len(variant.model.layers)):

        def work(number: int, deepest: int = deepest) -> list[Shapes]:
            grounds = (replace(ground, slots={island: _usual(ground.slots[island])}) for island in alike[number])
            return [_densest(place, wanted, variant, alone, tried, deepest) for alone in grounds]

        parts = side_by_side(work, len(alike), [variant, *islands, *(island.gpu for island in islands)])
        by_island = dict(
            zip((i for each in alike for i in each), (part for each in parts for part in each), strict=True)
        )
        found = Shapes()
        for island in islands:
            found.add(by_island[island])
        if found.fitting or found.slow:
            break
    return found


def _alike(ground: Grounds) -> list[list[IslandKind]]:
    """The island kinds that memory does not tell apart, whose bills are the same; those with most to bill first."""
    found: dict[object, list[IslandKind]] = {}
    for island in ground.slots:
        memory = (island.gpu.slug, island.used_bytes, island.link.peer_access, island.inner_peers)
        found.setdefault(memory, []).append(island)
    return sorted(
        found.values(), key=lambda alike: (-max(max(ground.slots[i]) for i in alike), alike[0].gpu.memory_bytes)
    )


def _usual(offered: Mapping[int, int]) -> Mapping[int, int]:
    """Slots that leave nothing of most nodes: powers of two, and whole islands."""
    return {size: count for size, count in offered.items() if size & (size - 1) == 0 or size == max(offered)}


def _densest(place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, tried: Tried, deepest: int) -> Shapes:
    found = enumerate_shapes(place, wanted, variant, ground, tried, densest=deepest)
    best: dict[SlotKind, Fraction] = {}
    for shape in found.fitting:
        kind, carried = shape.slots[0], Fraction(max(shape.capacity.values()), len(shape.slots))
        best[kind] = max(best.get(kind, carried), carried)
    misses: Counter[int] = Counter()
    for one in sorted(found.promised, key=_promised_a_slot, reverse=True):
        kind = one.base.slots[0]
        if misses[id(one.base)] < _MISSES and _promised_a_slot(one) > best.get(kind, 0) * _NO_MORE:
            billed = bill_promised(one, place, wanted, ground, tried)
            carried = Fraction(billed.capacity["sequences"], len(billed.slots)) if billed else Fraction(0)
            misses[id(one.base)] = 0 if carried > best.get(kind, 0) else misses[id(one.base)] + 1
            if billed is not None:
                found.fitting.append(billed)
                best[kind] = max(best.get(kind, carried), carried)
    found.promised = []
    return found


def _promised_a_slot(one: Promised) -> Fraction:
    return Fraction(one.sequences, one.split.pipeline)
