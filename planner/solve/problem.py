"""A problem: a request with everything it names looked up, ready to be solved."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property

from planner.engines.sharing import refuse_unshared
from planner.fleet.gpu import Gpu
from planner.fleet.inventory import Inventory
from planner.fleet.requested_inventory import requested_inventory
from planner.plan_document import Plan
from planner.request import Minimised, ModelRequest, Request
from planner.solve.cache_bound import cache_bound, running_bound
from planner.solve.capacity import endless, needs, needs_speed
from planner.solve.carried_a_gpu import carried_a_gpu
from planner.solve.dominance import undominated
from planner.solve.earlier import Earlier, earlier_replicas
from planner.solve.enumerate_shapes import Grounds, Shapes, grounds
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.generated import Generated
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.keeping import keep
from planner.solve.known import Known
from planner.solve.lexicographic import minimise
from planner.solve.node_class import NodeClass, node_classes
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.phases import refuse_impossible
from planner.solve.rate_bound import rate_bound, requests_asked
from planner.solve.rules import Rules, node_tag, read_rules, told_apart
from planner.solve.shape import Shape
from planner.solve.side_by_side import Found, side_by_side
from planner.solve.variant import Variant, variants
from planner.solve.well_carried import well_carried

MANY_LAYOUTS = 200
"""From so many models times kinds of GPUs on, models are priced in two processes."""
MANY_GPUS = 1000
"""GPUs of which fractions of replicas tell as much, and on which each variant of a lone model is asked alone."""
MANY_NODES = 10
"""Classes of nodes, where rules tell single nodes apart, from which on pipelines over all of them are too many, and
fractions of replicas tell as much."""
FAR_PARTS = 10
"""A load is far beyond the GPUs when they could not even carry one of so many parts of it."""
FAR_PARTS_OF_MANY = 4
"""The same of very many GPUs: to go through all their layouts takes long, and what they carry is in three digits."""
MOST_MIXED = 64
"""Inventories of up to so many GPUs are searched for replicas over several kinds of GPUs."""


@dataclass(frozen=True)
class Problem:
    """A request, its nodes in classes, and the variants of each of its models.

    `known` is what the problems that this one was made from have looked up, `earlier` the replicas of a plan that
    are to be kept where that costs nothing. `generated` are its layouts where not all were billed. With `shallow` only
    layouts of a single stage are tried, when it is `plain` none over several kinds of GPUs, with a `limit` only those
    of plans whose first objective is no more than it; when it is `narrow` only those of no more GPUs than may be used.
    With `lean`, the place of a model and a number of sequences, it has what no layout of that model exceeds that is
    made for more of them (`Tried`). With `dense` only the `densest_shapes` are tried, which are made for an endless
    load.
    """

    request: Request
    inventory: Inventory
    classes: tuple[NodeClass, ...]
    variants: tuple[tuple[Variant, ...], ...]
    known: Known = field(default_factory=Known, compare=False, repr=False)
    earlier: tuple[Earlier, ...] = ()
    generated: Generated | None = field(default=None, compare=False, repr=False)
    shallow: bool = False
    plain: bool = False
    limit: int | None = None
    narrow: bool = False
    lean: tuple[int, int] | None = None
    dense: bool = False

    @cached_property
    def objective(self) -> Minimised:
        """What is minimised: as asked, else the cost where prices are known, else the number of GPUs."""
        asked = self.request.objective
        return asked if asked == "cost" or asked == "gpus" else "cost" if self.inventory.priced else "gpus"

    @cached_property
    def needs(self) -> tuple[Mapping[str, int], ...]:
        """What each model's load asks for."""
        return tuple(needs(wanted.workload) for wanted in self.request.models)

    @cached_property
    def rules(self) -> Rules:
        """What a plan must keep beyond the loads."""
        rules = read_rules(self.request, self.classes)
        return replace(rules, tracked=rules.tracked | {e.place for e in self.earlier}) if self.earlier else rules

    @cached_property
    def mixes(self) -> bool:
        """Whether replicas over several kinds of GPUs are tried: where there are few enough to try them all."""
        few = self.gpus <= MOST_MIXED and not self.plain
        return few and any(self._may_mix(place) for place in range(len(self.request.models)))

    def _may_mix(self, place: int) -> bool:
        """Whether one replica of a model may lie on several kinds of islands, or have stages of several sizes."""
        if any(variant.own_tensor for variant in self.variants[place]):
            return True
        mine = self.rules.eligible[place]
        usable = grounds([c for number, c in enumerate(self.classes) if mine is None or number in mine]).slots
        return len({island.realm for island in usable}) < len(usable)

    @cached_property
    def shapes(self) -> tuple[Shapes, ...]:
        """Every legal layout of each model."""
        if self.generated:
            return self.generated.shapes
        return tuple(_together(self._of_variants(place, self.ground)) for place in range(len(self.request.models)))

    def _of_variants(self, place: int, ground: Grounds) -> list[Shapes]:
        wanted, enumerated = self._wanted(place), self.known.enumerated
        lean = self.lean[1] if self.lean and self.lean[0] == place else None
        which = self._which(place)
        return [
            enumerated.shapes(place, wanted, variant, ground, **which, shallow=self.shallow, lean=lean)
            for variant in self.variants[place]
        ]

    def _wanted(self, place: int) -> ModelRequest:
        """The request of a model that its layouts are made for."""
        wanted = self.request.models[place]
        return wanted.model_copy(update={"workload": endless(wanted.workload)}) if self.dense else wanted

    @property
    def _enumerated(self) -> bool:
        """Whether all layouts are known already."""
        return all(
            self._knows(place, variant) for place in range(len(self.request.models)) for variant in self.variants[place]
        )

    def _knows(self, place: int, variant: Variant) -> bool:
        return self.known.enumerated.knows(place, self._wanted(place), variant, self.ground, **self._which(place))

    def _which(self, place: int) -> dict[str, bool]:
        """Which layouts of a model are tried."""
        return {"mixed": self.mixes, "dense": self.dense, "one_for_one": place in self.rules.one_for_one}

    @cached_property
    def ground(self) -> Grounds:
        """What the nodes offer that may be had for what may be spent."""
        affordable = [c for c in self.classes if _within(_least_price(c), self.rules.budget)]
        offered = grounds(affordable)
        if self.limit is not None and self.objective != "gpus":
            some = [_no_more(c, self.limit) for c in affordable if _within(_least_price(c), self.limit)]
            offered = replace(offered, slots=grounds(some).slots)
        limits = [self.limit if self.objective == "gpus" else None, self.rules.gpus if self.narrow else None]
        for gpus in limits:
            offered = offered if gpus is None else offered.of_at_most(gpus)
        return offered

    @cached_property
    def kept(self) -> list[Shape]:
        """The shapes that no other can replace."""
        if self.generated:
            return [*self.generated.columns]
        return sorted((shape for kept, _ in self._priced for shape in kept), key=lambda shape: shape.rank)

    @cached_property
    def considered(self) -> int:
        """How many layouts were thought of."""
        if self.generated:
            return sum(found.considered for found in self.generated.shapes)
        return sum(considered for _, considered in self._priced)

    @cached_property
    def _priced(self) -> list[tuple[list[Shape], int]]:
        """The shapes of each model that no other can replace, and how many layouts it has."""
        models = len(self.request.models)
        if models * len(self.ground.slots) < MANY_LAYOUTS:
            return [self._without_others(place) for place in range(models)]
        return self.of_each_model(self._without_others)

    def of_each_model(self, work: Callable[[int], Found]) -> list[Found]:
        """Do work for the place of each model, in two processes.

        Loads of the same model are looked at one after the other, as they share much of what is looked up.
        """
        alike: dict[str, list[int]] = {}
        for place, wanted in enumerate(self.request.models):
            alike.setdefault(wanted.model, []).append(place)
        places = list(alike.values())
        found = side_by_side(lambda item: [work(place) for place in places[item]], len(places), self.looked_up)
        by_place = dict(zip((p for each in places for p in each), (one for each in found for one in each), strict=True))
        return [by_place[place] for place in range(len(self.request.models))]

    @property
    def looked_up(self) -> list[object]:
        """What shapes refer to and all of them share."""
        variants = [variant for found in self.variants for variant in found]
        return [*variants, *self.ground.slots, *(kind.gpu for kind in self.ground.slots)]

    def _without_others(self, place: int) -> tuple[list[Shape], int]:
        parts = self._of_variants(place, self.ground)
        found = _together(parts)
        best = self._undominated(place, parts, found.fitting)
        running = [
            s for s in found.fitting if any(e.runs_as(s) for e in self.earlier) and not any(s is b for b in best)
        ]
        return [*best, *running], found.considered

    def _undominated(self, place: int, parts: Sequence[Shapes], fitting: Sequence[Shape]) -> list[Shape]:
        """Which shapes no other replaces; that is the same for all loads of which a replica carries just a part."""
        one_for_one = place in self.rules.one_for_one
        most = {need: max((s.capacity[need] for s in fitting), default=0) for need in self.needs[place]}
        useful = {need: min(amount, most[need]) for need, amount in self.needs[place].items()}
        key = (*map(id, parts), one_for_one, *useful.items())
        if key not in self.known.undominated:
            self.known.undominated[key] = undominated(fitting, useful, one_for_one=one_for_one)
        return self.known.undominated[key]

    @cached_property
    def programme(self) -> FleetProgramme:
        """The covering programme of the kept shapes."""
        programme = FleetProgramme(self.kept, self.classes, self.needs, self.rules)
        programme.keepers = keep(programme, self.inventory, self.earlier)
        programme.loads = tuple(wanted.workload for wanted in self.request.models)
        return programme

    @property
    def feasible(self) -> bool:
        """Whether any plan keeps everything that is asked."""
        return self.within(None)

    @property
    def feasible_over_kinds(self) -> bool:
        """The same where it is known that no plan does whose replicas lie on one kind of GPUs each."""
        return self.mixes and self.within(None, some_may_do=False)

    def within(self, limit: int | None, *, some_may_do: bool = True) -> bool:
        """Whether any plan keeps everything that is asked and its first objective at or below the limit.

        Where some of the layouts may do, one of few is looked for before the others are thought of.
        """
        if limit != self.limit:
            return self.limited(limit).within(limit)
        if self._beyond_memory(()) or self._beyond_arithmetic(()):
            return False
        if some_may_do and (fewer := self._fewer_layouts) and fewer.within(limit):
            return True
        if self.out_of_reach:
            return False
        if self.gpus > MANY_GPUS and len(self.variants) == 1 < len(self.variants[0]):
            # a model is served in one variant: a plan of all is a plan of one, and each alone is the smaller programme
            return any(replace(self, variants=((one,),)).within(limit) for one in reversed(self.variants[0]))
        rows = self.rows_within(limit)
        values = well_carried(self.programme, rows) if self.gpus > MANY_GPUS else None
        values = values or minimise(rows, {}, Effort(), "highs" if self.rules.survive and self.mixes else "scip").values
        if values is not None and limit is None:
            self.known.plans[self.request.model_dump_json()] = values
        return values is not None

    @property
    def _fewer_layouts(self) -> "Problem | None":
        """The problem with fewer kinds of layouts, or on the largest nodes alone; None where all are known already."""
        if self.shallow or self._enumerated:
            return None
        if not self.dense:
            return replace(self, plain=True) if self.mixes else replace(self, shallow=True)
        largest = max(self.classes, key=lambda c: sum(gpu.memory_bytes for gpu in c.example.gpus))
        return replace(self, classes=(largest,)) if len(self.classes) > 1 else None

    @property
    def found(self) -> tuple[int, ...]:
        """Values of a plan of this very problem where one was found before, else none."""
        values, rows = self.known.plans.get(self.request.model_dump_json(), ()), self.programme.rows
        return values if len(values) == len(rows.upper) and not rows.broken(values) else ()

    def limited(self, limit: int | None) -> "Problem":
        """Return the problem of the layouts that a plan may have whose first objective is at most the limit."""
        return replace(self, limit=limit, generated=None)

    @cached_property
    def gpus(self) -> int:
        """GPUs that replicas may be given."""
        return _gpus(self.classes)

    @property
    def out_of_reach(self) -> bool:
        """Whether some model has no layout, or a load that all GPUs together could not carry."""
        return self.out_of_reach_with(())

    def out_of_reach_with(self, extra: Sequence[NodeClass]) -> bool:
        """Whether a load is out of reach also with further nodes, so many of a kind that they have all its layouts."""
        if self._beyond_memory(extra) or self._beyond_arithmetic(extra):
            return True
        gpus, ground, joined = self.gpus + _gpus(extra), grounds(extra), self.with_nodes(extra)
        for place, needed in enumerate(self.needs):
            more = _together(joined._of_variants(place, ground)).fitting if extra else []
            if any(
                max(self._carried_a_gpu[place][need], carried_a_gpu(more, need)) * gpus < amount
                for need, amount in needed.items()
            ):
                return True
        return False

    def beyond_a_part(self, parts: int, extra: Sequence[NodeClass] = ()) -> bool:
        """Whether even one of so many equal parts of a load is more than memory or arithmetic of all GPUs allow."""
        return self._beyond_memory(extra, parts) or self._beyond_arithmetic(extra, parts)

    @property
    def many_told_apart(self) -> bool:
        """Whether rules tell more than a few single nodes apart."""
        return bool(self.rules.tracked) and len(self.classes) > MANY_NODES

    @cached_property
    def far(self) -> bool:
        """Whether the load of a lone model is far beyond very many GPUs, so that only the most they carry is of use."""
        (first, *more) = self.request.models
        plain = not (first.allow.disaggregation or first.allow.share_gpus or self.rules.tracked)
        return plain and not more and self.gpus > MANY_GPUS and self.beyond_a_part(self.far_parts)

    @property
    def far_parts(self) -> int:
        """Into how many parts a load is cut of which one is more than enough to be far beyond the GPUs."""
        return FAR_PARTS_OF_MANY if self.gpus > MANY_GPUS else FAR_PARTS

    def _beyond_memory(self, extra: Sequence[NodeClass], parts: int = 1) -> bool:
        """Whether caches of a model's sequences alone, or of a part of them, take more than the memory of all GPUs.

        Or whether these are more than engines run at once.
        """
        gpus: Counter[Gpu] = Counter()
        for node_class in (*self.classes, *extra):
            for gpu in node_class.example.gpus:
                gpus[gpu] += node_class.count
        memory = sum(gpu.memory_bytes * count for gpu, count in gpus.items())
        for found, needed, wanted in zip(self.variants, self.needs, self.request.models, strict=True):
            bounds = [cache_bound(variant, memory) for variant in found]
            if all(bound is not None and bound * parts < needed["sequences"] for bound in bounds):
                return True
            running = [running_bound(variant, gpus, shared=wanted.allow.share_gpus) for variant in found]
            if all(bound is not None and bound * parts < needed["sequences"] for bound in running):
                return True
        return False

    def _beyond_arithmetic(self, extra: Sequence[NodeClass], parts: int = 1) -> bool:
        """Whether a rate that is asked for, or a part of it, takes more arithmetic than all GPUs can do."""
        rates = [requests_asked(wanted.workload) for wanted in self.request.models]
        if not any(rates):
            return False
        gpus = [(gpu, c.count) for c in (*self.classes, *extra) for gpu in c.example.gpus]
        for found, wanted, rate in zip(self.variants, self.request.models, rates, strict=True):
            bounds = [rate_bound(variant, wanted.workload, gpus) for variant in found]
            if all(bound is not None and bound * parts < rate for bound in bounds):
                return True
        return False

    @cached_property
    def _carried_a_gpu(self) -> list[dict[str, Fraction]]:
        return [
            {need: carried_a_gpu(kept, need) for need in needed}
            for (kept, _), needed in zip(self._priced, self.needs, strict=True)
        ]

    def rows_within(self, limit: int | None) -> IntegerProgramme:
        """The rows of the programme, and one more that keeps the first objective at or below the limit."""
        rows = self.programme.rows.copy()
        if limit is not None:
            rows.at_most(first_objective(self.programme, self.objective), limit)
        return rows

    def asking(self, request: Request) -> "Problem":
        """Return the problem of another request on the same nodes."""
        return replace(self, request=request, variants=_variants(request, self.known), generated=None, limit=None)

    def with_nodes(self, extra: Sequence[NodeClass]) -> "Problem":
        """Return the problem with more nodes."""
        return replace(self, classes=(*self.classes, *extra), generated=None)


def _together(parts: Sequence[Shapes]) -> Shapes:
    """The shapes of all variants of a model."""
    found = Shapes()
    for part in parts:
        found.add(part)
    return found


def _least_price(node_class: NodeClass) -> int:
    """What such a node costs when one of its GPUs is used."""
    return node_class.node_price + node_class.gpu_price


def _within(price: int, limit: int | None) -> bool:
    return limit is None or price <= limit


def _no_more(node_class: NodeClass, limit: int) -> NodeClass:
    """As many of the nodes as the limit buys."""
    price = _least_price(node_class)
    return replace(node_class, copies=min(node_class.count, limit // price)) if price else node_class


def _gpus(classes: Sequence[NodeClass]) -> int:
    return sum(len(pool.gpus) * times * c.count for c in classes for pool, times in c.pools)


def read_problem(request: Request, earlier: Plan | None = None, known: Known | None = None) -> Problem:
    """Look up what a request names that is not `known` yet; raises BadInput."""
    known = known or Known()
    for wanted in request.models:
        refuse_impossible(wanted)
        refuse_unshared(wanted)
    inventory = requested_inventory(request)
    running = tuple(earlier_replicas(earlier, request)) if earlier else ()
    used = frozenset(device.rpartition("/")[0] for replica in running for device in replica.devices)
    timed = request.objective in ("latency", "throughput")
    networked = timed or any(needs_speed(wanted.workload) for wanted in request.models)
    groups = told_apart(request, inventory.groups, used)
    classes = node_classes(groups, lambda node: node_tag(request, node, used), networked=networked)
    return Problem(request, inventory, tuple(classes), _variants(request, known), known, running)


def _variants(request: Request, known: Known) -> tuple[tuple[Variant, ...], ...]:
    return tuple(tuple(variants(wanted, request.confidence, known.lookups)) for wanted in request.models)
