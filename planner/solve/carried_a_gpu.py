"""What a GPU carries of a load at most: with it, loads that no plan carries are told without a programme."""

from collections.abc import Iterable
from fractions import Fraction

from planner.fleet.share import PARTS
from planner.solve.shape import Shape


def carried_a_gpu(shapes: Iterable[Shape], need: str) -> Fraction:
    """Return the most that any shape carries of a need, a GPU; 0 without shapes.

    Every replica takes its GPUs, or its share of one, for itself, so that no plan carries more than this on each.
    """
    rates = (Fraction(shape.capacity[need] * PARTS, shape.parts or PARTS * shape.gpus) for shape in shapes)
    return max(rates, default=Fraction(0))
