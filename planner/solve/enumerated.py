"""Shapes enumerated once for all problems of a question that ask the same of a variant."""

from collections.abc import Hashable

from planner.request import Allowed, ModelRequest
from planner.solve.capacity import unmeasured
from planner.solve.densest_shapes import densest_shapes
from planner.solve.enumerate_shapes import Billed, Grounds, Shapes, Tried, bill_promised, enumerate_shapes
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
        self._sparse: dict[Hashable, Shapes] = {}
        self._tried: dict[Hashable, tuple[Variant, Tried]] = {}
        self._billed: dict[Hashable, Billed] = {}

    def sparse(self, place: int, wanted: ModelRequest, variant: Variant, ground: Grounds) -> Shapes:
        """Return the shapes of a variant of the model at `place`, of which the longer pipelines are promised.

        They are those of another load of the model where both are of more sequences than any layout runs.
        """
        like = _asked(wanted)
        _, (_, *content) = _keys(place, like, variant)
        key = (*content, ground.offered)
        known = self._sparse.get(key)
        if known and like.workload.concurrency > known.most_sequences:
            return known.at(place)
        found = enumerate_shapes(place, like, variant, ground, Tried({}), mixed=False, sparse=True)
        if like.workload.concurrency > found.most_sequences:
            self._sparse[key] = found.at(place)
        return found

    def billed(self, place: int, wanted: ModelRequest, one: Promised, ground: Grounds) -> Shape | None:
        """Return the shape that was promised; None where it is refused or does not fit."""
        return bill_promised(one, place, _asked(wanted), ground, Tried({}))

    def shapes(
        self,
        place: int,
        wanted: ModelRequest,
        variant: Variant,
        ground: Grounds,
        *,
        mixed: bool = False,
        shallow: bool = False,
        dense: bool = False,
        lean: int | None = None,
    ) -> Shapes:
        """Return the shapes of a variant of the model at `place`, their variant one of the same content.

        With `shallow` only those of a single stage, with `dense` the `densest_shapes`, with `lean` as `Tried` has them.
        """
        like = _asked(wanted)
        asked, endless = _keys(place, like, variant)
        nodes = (mixed, shallow, dense, lean, ground.offered)
        known = self._known(like, asked, endless, nodes)
        if known is not None:
            return known
        billed = self._billed.setdefault((place, *_content(variant)), {})
        same, tried = self._tried.setdefault((asked, lean), (variant, Tried(billed, lean=lean)))
        if dense and not shallow:
            found = densest_shapes(place, like, same, ground, tried)
        else:
            found = enumerate_shapes(place, like, same, ground, tried, mixed=mixed, shallow=shallow)
        self._shapes[asked, nodes] = found
        if like.workload.concurrency > found.most_sequences:
            self._endless[endless, nodes] = found
        return found

    def knows(
        self, place: int, wanted: ModelRequest, variant: Variant, ground: Grounds, *, mixed: bool, dense: bool = False
    ) -> bool:
        """Whether all shapes of a variant, or its `densest_shapes`, are known already."""
        like, nodes = _asked(wanted), (mixed, False, dense, None, ground.offered)
        return self._known(like, *_keys(place, like, variant), nodes) is not None

    def _known(self, like: ModelRequest, asked: Hashable, endless: Hashable, nodes: Hashable) -> Shapes | None:
        if (asked, nodes) in self._shapes:
            return self._shapes[asked, nodes]
        known = self._endless.get((endless, nodes))
        return known if known and like.workload.concurrency > known.most_sequences else None


def _keys(place: int, like: ModelRequest, variant: Variant) -> tuple[tuple[Hashable, ...], tuple[Hashable, ...]]:
    """What shapes are remembered by, and the same but for the number of sequences."""
    content = (place, *_content(variant))
    one = like.model_copy(update={"workload": like.workload.model_copy(update={"concurrency": 1})})
    return (*content, like.model_dump_json()), (*content, one.model_dump_json())


def _asked(wanted: ModelRequest) -> ModelRequest:
    """The request without what decides no shape: how much of a rate, where replicas lie, what makes its variants."""
    allow = Allowed(share_gpus=wanted.allow.share_gpus, disaggregation=wanted.allow.disaggregation)
    return wanted.model_copy(update={"workload": unmeasured(wanted.workload), "allow": allow} | _RULES)


def _content(variant: Variant) -> tuple[Hashable, ...]:
    """What makes two variants alike: models and engines of one question are looked up once."""
    limits = variant.limits.model_dump_json()
    return id(variant.model), id(variant.engine), limits, variant.source, variant.on_load, variant.changes
