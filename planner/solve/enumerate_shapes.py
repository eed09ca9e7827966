"""Every legal layout of the models on the slots that the nodes offer, priced by memory and speed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from planner.fleet.island import LinkClass
from planner.fleet.site import Site
from planner.request import ModelRequest
from planner.solve.capacity import capacity, needs_speed
from planner.solve.node_class import NodeClass
from planner.solve.shape import Shape
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.splits import Split, splits
from planner.solve.variant import Variant
from planner.workload import Workload

DEEPEST = 16
"""Stages of a pipeline; deeper ones are tried only where nothing else holds the model."""
UNKNOWN_NETWORK_GBPS = 1.25
"""GB/s per direction and GPU between nodes whose network is not described: 10 Gb/s."""


@dataclass
class Shapes:
    """The shapes of one model.

    `misfits` are legal layouts without room for one sequence, `slow` ones miss a target even with a
    single request.
    """

    fitting: list[Shape] = field(default_factory=list)
    misfits: list[Shape] = field(default_factory=list)
    slow: list[Shape] = field(default_factory=list)
    refusals: dict[str, None] = field(default_factory=dict)
    considered: int = 0

    def add(self, other: "Shapes") -> None:
        """Take in the shapes of another variant."""
        self.fitting += other.fitting
        self.misfits += other.misfits
        self.slow += other.slow
        self.refusals |= other.refusals
        self.considered += other.considered


@dataclass(frozen=True)
class Grounds:
    """What the nodes offer: slots of each size by island kind, and whether a realm has a single node."""

    slots: Mapping[IslandKind, Mapping[int, int]]
    lone_realms: frozenset[str]

    def next_site(self, island: IslandKind) -> tuple[LinkClass, float]:
        """Link and bandwidth from a slot to the next slot of the replica."""
        if island.realm in self.lone_realms:
            return island.node_link, island.node_gbps
        return LinkClass.NETWORK, island.network_gbps or UNKNOWN_NETWORK_GBPS


def grounds(classes: Sequence[NodeClass]) -> Grounds:
    """Count the slots of each size that each island kind offers, over all nodes."""
    slots: dict[IslandKind, dict[int, int]] = {}
    nodes: dict[str, int] = {}
    for node_class in classes:
        nodes[node_class.realm] = nodes.get(node_class.realm, 0) + node_class.count
        for pool, times in node_class.pools:
            for scope in pool.scopes:
                offered = slots.setdefault(scope.kind, {})
                for size in range(1, len(scope.gpus) + 1):
                    offered[size] = offered.get(size, 0) + len(scope.gpus) // size * times * node_class.count
    ordered = {kind: slots[kind] for kind in sorted(slots, key=lambda kind: kind.rank)}
    return Grounds(ordered, frozenset(realm for realm, count in nodes.items() if count == 1))


def enumerate_shapes(place: int, wanted: ModelRequest, variant: Variant, ground: Grounds) -> Shapes:
    """Try every split of a variant of the model at `place` of the request on every island kind."""
    found = Shapes()
    packed = needs_speed(wanted.workload)
    for deepest in (DEEPEST, len(variant.model.layers)):
        for island, slots in ground.slots.items():
            for split in splits(variant.model, slots, deepest=deepest, packed=packed):
                _try(found, place, wanted, variant, island, split, ground)
        if found.fitting or deepest >= max(sum(slots.values()) for slots in ground.slots.values()):
            break
    return found


def _try(
    found: Shapes, place: int, wanted: ModelRequest, variant: Variant, island: IslandKind, split: Split, ground: Grounds
) -> None:
    found.considered += 1
    model, engine, limits = variant.model, variant.engine, variant.limits
    if limits.max_num_seqs is None:
        usual = engine.layout(model, island.gpu, limits).max_num_seqs
        limits = limits.model_copy(update={"max_num_seqs": _sequences(wanted.workload, usual)})
    layout = engine.layout(
        model,
        island.gpu,
        limits,
        tensor=split.tensor,
        pipeline=split.pipeline,
        data=split.data,
        expert_parallel=split.experts,
    )
    if reasons := engine.refusals(model, layout, island.gpu):
        found.refusals |= dict.fromkeys(f"{layout.label()}: {reason}" for reason in reasons)
        return
    sites = tuple(_sites(island, split, ground))
    bill = engine.bill(model, layout, sites)
    carried = capacity(model, layout, sites, engine, wanted.workload, bill) if bill.fits else {}
    slot = SlotKind(island, split.group * split.stages_per_slot)
    shape = Shape(place, variant, layout, (slot,) * (split.pipeline // split.stages_per_slot), sites, bill, carried)
    group = found.misfits if not bill.fits else found.fitting if all(carried.values()) else found.slow
    group.append(shape)


def _sequences(workload: Workload, usual: int) -> int:
    """Sequences an engine may run at once: as many as are in flight; under a rate that follows from the speed."""
    return min(usual, workload.concurrency) if workload.requests_per_second is None else usual


def _sites(island: IslandKind, split: Split, ground: Grounds) -> Iterator[Site]:
    hop = ground.next_site(island)
    for stage in range(split.pipeline):
        ends_slot = (stage + 1) % split.stages_per_slot == 0
        link, gbps = hop if ends_slot else (island.link, island.gbps)
        yield Site(island.gpu, island.link, island.gbps, link, gbps, island.used_bytes)
