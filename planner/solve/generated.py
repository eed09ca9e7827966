"""The layouts of a large fleet of which only some were billed."""

from dataclasses import dataclass

from planner.solve.enumerate_shapes import Shapes
from planner.solve.shape import Shape


@dataclass(frozen=True)
class Generated:
    """The shapes of each model, with what is promised of the others; `columns` are those that fit, in their order."""

    shapes: tuple[Shapes, ...]
    columns: tuple[Shape, ...]
