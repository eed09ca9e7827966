"""Shapes enumerated once for all problems of a question that ask the same of a variant."""

from collections.abc import Callable, Hashable

from planner.request import Allowed, ModelRequest
from planner.solve.capacity import needs, unmeasured
from planner.solve.densest_shapes import densest_shapes
from planner.solve.enumerate_shapes import Billed, Grounds, Shapes, Tried, bill_promised, enumerate_shapes
from planner.solve.mixed_shapes import enough_for, mixed_shapes
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
        self._variants: dict[Hashable, Variant] = {}
        self._tried: dict[Hashable, Tried] = {}
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
        found = enumerate_shapes(place, like, variant, ground, Tried({}), sparse=True)
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
        one_for_one: bool = False,
    ) -> Shapes:
        """Return the shapes of a variant of the model at `place`, their variant one of the same content.

        With `mixed` those on several island kinds too which could be of use (`one_for_one`: where a copy of another
        shape must replace a copy of them), with `shallow` only those of a single stage, with `dense` the
        `densest_shapes`, with `lean` as `Tried` has them.
        """
        like = _asked(wanted)
        asked, endless = _keys(place, like, variant)
        content = (place, *_content(variant))
        same, billed = self._variants.setdefault(content, variant), self._billed.setdefault(content, {})
        tried = self._tried.setdefault((asked, lean), Tried(billed, lean=lean))

        def known_or(nodes: Hashable, found_anew: Callable[[], Shapes]) -> Shapes:
            found = self._known(like, asked, endless, nodes)
            if found is None:
                found = self._shapes[asked, nodes] = found_anew()
                if like.workload.concurrency > found.most_sequences:
                    self._endless[endless, nodes] = found
            return found

        if dense and not shallow:
            return known_or(
                _nodes(ground, dense=True, lean=lean), lambda: densest_shapes(place, like, same, ground, tried)
            )
        nodes = _nodes(ground, shallow=shallow, lean=lean)
        alike = known_or(nodes, lambda: enumerate_shapes(place, like, same, ground, tried, shallow=shallow))
        if not mixed or shallow:
            return alike
        enough = enough_for(alike.fitting, variant, needs(wanted.workload), one_for_one=one_for_one)

        def all_of_them() -> Shapes:
            both = Shapes()
            both.add(alike)
            both.add(mixed_shapes(place, like, same, ground, tried, enough))
            return both

        return known_or((*nodes, enough), all_of_them)

    def knows(
        self,
        place: int,
        wanted: ModelRequest,
        variant: Variant,
        ground: Grounds,
        *,
        mixed: bool,
        dense: bool = False,
        one_for_one: bool = False,
    ) -> bool:
        """Whether all shapes of a variant, or its `densest_shapes`, are known already."""
        like, nodes = _asked(wanted), _nodes(ground, dense=dense)
        keys = _keys(place, like, variant)
        alike = self._known(like, *keys, nodes)
        if alike is None or not mixed or dense:
            return alike is not None
        enough = enough_for(alike.fitting, variant, needs(wanted.workload), one_for_one=one_for_one)
        return self._known(like, *keys, (*nodes, enough)) is not None

    def _known(self, like: ModelRequest, asked: Hashable, endless: Hashable, nodes: Hashable) -> Shapes | None:
        if (asked, nodes) in self._shapes:
            return self._shapes[asked, nodes]
        known = self._endless.get((endless, nodes))
        return known if known and like.workload.concurrency > known.most_sequences else None


def _nodes(
    ground: Grounds, *, shallow: bool = False, dense: bool = False, lean: int | None = None
) -> tuple[Hashable, ...]:
    return shallow, dense, lean, ground.offered


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
