"""A problem: a request with everything it names looked up, ready to be solved."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from planner.engines.sharing import refuse_unshared
from planner.fleet.inventory import Inventory
from planner.fleet.requested_inventory import requested_inventory
from planner.plan_document import Plan
from planner.request import Minimised, Request
from planner.solve.capacity import needs, needs_speed, unmeasured
from planner.solve.dominance import undominated
from planner.solve.earlier import Earlier, earlier_replicas
from planner.solve.enumerate_shapes import Shapes, enumerate_shapes, grounds
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.keeping import keep
from planner.solve.known import Known
from planner.solve.lexicographic import minimise
from planner.solve.node_class import NodeClass, node_classes
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.phases import refuse_impossible
from planner.solve.rules import Rules, node_tag, read_rules, told_apart
from planner.solve.shape import Shape
from planner.solve.variant import Variant, variants

_RULES: dict[str, object] = {"nodes": [], "exclude_nodes": [], "least_replicas": 1, "most_replicas": None}
_RULES |= {"spread": None, "pack": None, "survive": None}
"""What says where replicas lie and how many, and nothing of what one of them is."""
MOST_MIXED = 64
"""Inventories of up to so many GPUs are searched for replicas over several kinds of GPUs."""


@dataclass(frozen=True)
class Problem:
    """A request, its nodes in classes, and the variants of each of its models.

    `known` is what the problems that this one was made from have looked up, `earlier` the replicas of a plan that
    are to be kept where that costs nothing.
    """

    request: Request
    inventory: Inventory
    classes: tuple[NodeClass, ...]
    variants: tuple[tuple[Variant, ...], ...]
    known: Known = field(default_factory=Known, compare=False, repr=False)
    earlier: tuple[Earlier, ...] = ()

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
        return sum(len(c.example.gpus) * c.count for c in self.classes) <= MOST_MIXED

    @cached_property
    def shapes(self) -> tuple[Shapes, ...]:
        """Every legal layout of each model; priced once for all loads that differ only in how much is asked."""
        ground = grounds([node_class for node_class in self.classes if self._affordable(node_class)])
        offered = tuple((kind, *sizes.items()) for kind, sizes in ground.slots.items())
        found = []
        for place, wanted in enumerate(self.request.models):
            like = wanted.model_copy(update={"workload": unmeasured(wanted.workload)} | _RULES)
            key = (place, like.model_dump_json(), self.mixes, offered)
            if key not in self.known.shapes:
                mine = Shapes()
                for variant in self.variants[place]:
                    mine.add(enumerate_shapes(place, like, variant, ground, mixed=self.mixes))
                self.known.shapes[key] = mine
            found.append(self.known.shapes[key])
        return tuple(found)

    def _affordable(self, node_class: NodeClass) -> bool:
        """Whether a GPU of such a node may be had for what may be spent."""
        budget = self.rules.budget
        return budget is None or node_class.node_price + node_class.gpu_price <= budget

    @cached_property
    def kept(self) -> list[Shape]:
        """The shapes that no other can replace."""
        shapes = [shape for found in self.shapes for shape in found.fitting]
        best = undominated(shapes, self.needs, one_for_one=self.rules.one_for_one)
        running = [s for s in shapes if any(e.runs_as(s) for e in self.earlier) and not any(s is b for b in best)]
        return sorted([*best, *running], key=lambda shape: shape.rank) if running else best

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

    def within(self, limit: int | None) -> bool:
        """Whether any plan keeps everything that is asked and its first objective at or below the limit."""
        if not all(found.fitting for found in self.shapes):
            return False
        return minimise(self.rows_within(limit), {}, Effort()).values is not None

    def rows_within(self, limit: int | None) -> IntegerProgramme:
        """The rows of the programme, and one more that keeps the first objective at or below the limit."""
        rows = self.programme.rows.copy()
        if limit is not None:
            rows.at_most(first_objective(self.programme, self.objective), limit)
        return rows

    def asking(self, request: Request) -> "Problem":
        """Return the problem of another request on the same nodes."""
        return replace(self, request=request, variants=_variants(request, self.known))

    def with_nodes(self, extra: Sequence[NodeClass]) -> "Problem":
        """Return the problem with more nodes."""
        return replace(self, classes=(*self.classes, *extra))


def read_problem(request: Request, earlier: Plan | None = None, known: Known | None = None) -> Problem:
    """Look up what a request names that is not `known` yet; raises BadInput."""
    known = known or Known()
    for wanted in request.models:
        refuse_impossible(wanted)
        refuse_unshared(wanted)
    inventory = requested_inventory(request)
    running = tuple(earlier_replicas(earlier, request)) if earlier else ()
    used = frozenset(device.rpartition("/")[0] for replica in running for device in replica.devices)
    networked = any(needs_speed(wanted.workload) for wanted in request.models)
    groups = told_apart(request, inventory.groups, used)
    classes = node_classes(groups, lambda node: node_tag(request, node, used), networked=networked)
    return Problem(request, inventory, tuple(classes), _variants(request, known), known, running)


def _variants(request: Request, known: Known) -> tuple[tuple[Variant, ...], ...]:
    return tuple(tuple(variants(wanted, request.confidence, known)) for wanted in request.models)
