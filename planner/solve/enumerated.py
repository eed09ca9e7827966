"""Shapes enumerated once for all problems of a question that ask the same of a variant."""

from collections.abc import Hashable

from planner.request import Allowed, ModelRequest
from planner.solve.capacity import needs_speed, unmeasured
from planner.solve.enumerate_shapes import Grounds, Shapes, Tried, bill_promised, enumerate_shapes
from planner.solve.promised import Promised
from planner.solve.shape import Shape
from planner.solve.variant import Variant

_RULES: dict[str, object] = {"nodes": [], "exclude_nodes": [], "least_replicas": 1, "most_replicas": None}
_RULES |= {"spread": None, "pack": None, "survive": None}
"""What says where replicas lie and how many, and nothing of what one of them is."""


class Enumerated:
    """Remembers shapes by what decides them; on other nodes it remembers the trials of those that they share."""

    def __init__(self) -> None:
        self._shapes: dict[Hashable, Shapes] = {}
        self._endless: dict[Hashable, Shapes] = {}
        self._tried: dict[Hashable, tuple[Variant, Tried]] = {}

    def sparse(self, place: int, wanted: ModelRequest, variant: Variant, ground: Grounds) -> Shapes:
        """Return the shapes of a variant of the model at `place`, of which the longer pipelines are promised."""
        return enumerate_shapes(place, _asked(wanted), variant, ground, {}, mixed=False, sparse=True)

    def billed(self, place: int, wanted: ModelRequest, one: Promised, ground: Grounds) -> Shape | None:
        """Return the shape that was promised; None where it is refused or does not fit."""
        return bill_promised(one, place, _asked(wanted), ground, {})

    def shapes(self, place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, *, mixed: bool) -> Shapes:
        """Return the shapes of a variant of the model at `place`, their variant one of the same content."""
        like = _asked(wanted)
        content = (place, *_content(variant))
        asked = (*content, like.model_dump_json())
        nodes = (mixed, ground.offered)
        if (asked, nodes) in self._shapes:
            return self._shapes[asked, nodes]
        loads = like.workload
        one = like.model_copy(update={"workload": loads.model_copy(update={"concurrency": 1})})
        endless = (*content, one.model_dump_json()), nodes
        if not needs_speed(loads):
            known = self._endless.get(endless)
            if known and loads.concurrency > known.most_sequences:
                return known
        same, tried = self._tried.setdefault(asked, (variant, {}))
        found = enumerate_shapes(place, like, same, ground, tried, mixed=mixed)
        self._shapes[asked, nodes] = found
        if loads.concurrency > found.most_sequences:
            self._endless[endless] = found
        return found


def _asked(wanted: ModelRequest) -> ModelRequest:
    """The request without what decides no shape: how much of a rate, where replicas lie, what makes its variants."""
    allow = Allowed(share_gpus=wanted.allow.share_gpus, disaggregation=wanted.allow.disaggregation)
    return wanted.model_copy(update={"workload": unmeasured(wanted.workload), "allow": allow} | _RULES)


def _content(variant: Variant) -> tuple[Hashable, ...]:
    """What makes two variants alike: models and engines of one question are looked up once."""
    limits = variant.limits.model_dump_json()
    return id(variant.model), id(variant.engine), limits, variant.source, variant.on_load, variant.changes
