"""Loads that no plan carries, told without a programme: all GPUs together fall short at the best rate of any shape."""

from collections.abc import Iterable, Mapping

from planner.fleet.share import PARTS
from planner.solve.shape import Shape


def out_of_reach(shapes: Iterable[Shape], needs: Mapping[str, int], gpus: int) -> bool:
    """Whether `gpus` GPUs carry less than a model's load asks for, at what the best of its shapes carries a GPU.

    Every replica takes its GPUs, or its share of one, for itself: a plan carries no more than this.
    """
    left = dict(needs)
    for shape in shapes:
        taken = shape.parts or PARTS * shape.gpus
        for need in [n for n, amount in left.items() if shape.capacity[n] * gpus * PARTS >= amount * taken]:
            del left[need]
        if not left:
            return False
    return bool(left)
