"""The layouts that matter where nothing but the most that very many GPUs carry is looked for.

Of many slots of a kind the layout that carries most for each fills them all but for a few. Longer pipelines promise how
much they may carry, and only those that promise more than what is billed are billed; where speed counts nothing is
promised, and pipelines are tried as long as they carry more a GPU than shorter ones.
"""

from fractions import Fraction

from planner.request import ModelRequest
from planner.solve.capacity import needs_speed
from planner.solve.enumerate_shapes import Grounds, Shapes, Tried, bill_promised, enumerate_shapes
from planner.solve.promised import Promised
from planner.solve.slot import SlotKind
from planner.solve.variant import Variant

_NO_MORE = Fraction(1001, 1000)
"""What is promised must be so much more than what is billed to be billed: the last digit of a load is nothing."""


def densest_shapes(place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, tried: Tried) -> Shapes:
    """Return the shortest pipelines that fit, and those that carry most of each kind of slots."""
    speed = needs_speed(wanted.workload)
    found = enumerate_shapes(place, wanted, variant, ground, tried, mixed=False, sparse=not speed, falling=speed)
    best: dict[SlotKind, Fraction] = {}
    for shape in found.fitting:
        kind, carried = shape.slots[0], Fraction(max(shape.capacity.values()), len(shape.slots))
        best[kind] = max(best.get(kind, carried), carried)
    for one in sorted(found.promised, key=_promised_a_slot, reverse=True):
        kind = one.base.slots[0]
        if _promised_a_slot(one) > best.get(kind, 0) * _NO_MORE:
            shape = bill_promised(one, place, wanted, ground, tried)
            if shape is not None:
                found.fitting.append(shape)
                carried = Fraction(shape.capacity["sequences"], len(shape.slots))
                best[kind] = max(best.get(kind, carried), carried)
    return found


def _promised_a_slot(one: Promised) -> Fraction:
    return Fraction(one.sequences, one.split.pipeline)
