"""What the problems of one question know together: what they looked up, and the shapes they enumerated."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from planner.solve.enumerated import Enumerated
from planner.solve.lookups import Lookups
from planner.solve.shape import Shape


@dataclass(frozen=True)
class Known:
    """Handed from a problem to those that are made from it, so that each finds what another has found."""

    lookups: Lookups = field(default_factory=Lookups)
    enumerated: Enumerated = field(default_factory=Enumerated)
    undominated: dict[Hashable, list[Shape]] = field(default_factory=dict)
    plans: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Values of a plan by the request for which it was found: where a search for a cheaper one may begin."""
