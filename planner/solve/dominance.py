"""Exact dominance: drop a shape when copies of another one in its place do at least as well."""

from collections.abc import Sequence

from planner.solve.shape import Shape


def undominated(shapes: Sequence[Shape]) -> list[Shape]:
    """Keep the shapes that no other shape can replace.

    Shape b goes when copies of a shape a, cut out of b's own groups of GPUs, carry at least what b
    carries. Any plan with b stays a plan, at no more cost, with those copies in its place. Of equals
    the one with more headroom stays.
    """
    ordered = sorted(shapes, key=lambda s: (s.gpu.slug, s.gpus, -s.sequences, -s.headroom, s.group, s.layout.label()))
    kept: list[Shape] = []
    for shape in ordered:
        if not any(_replaces(other, shape) for other in kept):
            kept.append(shape)
    return kept


def _replaces(a: Shape, b: Shape) -> bool:
    if a.gpu.slug != b.gpu.slug or a.group > b.group:
        return False
    copies = b.groups * (b.group // a.group) // a.groups
    return copies * a.sequences >= b.sequences
