"""Every legal layout of a model on the slots of one kind that the nodes offer, priced by memory and speed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import groupby, repeat

from planner.engines import fewer_slots
from planner.engines.lower_fraction import lower_fraction
from planner.engines.sharing import may_share
from planner.fleet.island import LinkClass
from planner.fleet.share import in_share, share_bytes
from planner.fleet.site import UNKNOWN_NETWORK_GBPS, Site
from planner.layout import Layout
from planner.request import ModelRequest
from planner.solve.capacity import arrives, capacity, held_sequences, needs_speed
from planner.solve.kv_way import Onward
from planner.solve.layer_split import Shared, best_shares
from planner.solve.node_class import NodeClass
from planner.solve.phases import may_separate, phase_shapes
from planner.solve.promised import Promised, promises, without_room
from planner.solve.shape import Shape
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.splits import Split, even_splits, shared_splits
from planner.solve.variant import Variant
from planner.workload import Workload

DEEPEST = 16
"""Stages of a pipeline; deeper ones are tried only where nothing else holds the model."""

_FALLS = 2
"""Pipelines in a row that carry less a GPU than shorter ones, after which none is tried where few will do."""


@dataclass
class Shapes:
    """The shapes of one model.

    `misfits` are legal layouts without room for one sequence, `slow` ones miss a target even with a
    single request, those `promised` are not billed. None of the layouts runs more than `most_sequences` at once.
    """

    fitting: list[Shape] = field(default_factory=list)
    misfits: list[Shape] = field(default_factory=list)
    slow: list[Shape] = field(default_factory=list)
    refusals: dict[str, None] = field(default_factory=dict)
    promised: list[Promised] = field(default_factory=list)
    considered: int = 0
    most_sequences: int = 0

    def add(self, other: "Shapes") -> None:
        """Take in the shapes of another variant."""
        self.fitting += other.fitting
        self.misfits += other.misfits
        self.slow += other.slow
        self.refusals |= other.refusals
        self.promised += other.promised
        self.considered += other.considered
        self.most_sequences = max(self.most_sequences, other.most_sequences)

    def at(self, place: int) -> "Shapes":
        """Return these, that are of all loads alike, for the model at another place of the request."""
        moved: dict[int, Shape] = {}
        for shape in (*self.fitting, *self.misfits, *self.slow, *(one.base for one in self.promised)):
            if id(shape) not in moved:
                moved[id(shape)] = replace(shape, wanted=place)
        return replace(
            self,
            fitting=[moved[id(shape)] for shape in self.fitting],
            misfits=[moved[id(shape)] for shape in self.misfits],
            slow=[moved[id(shape)] for shape in self.slow],
            promised=[replace(one, base=moved[id(one.base)]) for one in self.promised],
            refusals=dict(self.refusals),
        )


@dataclass(frozen=True)
class Trial:
    """What came of one split on its sites: why the engine refuses it, or its shape; what it may run at once."""

    sequences: int
    refusals: tuple[str, ...] = ()
    shape: Shape | None = None


Billed = dict[tuple[Layout, tuple[Site, ...]], Shared]
"""Layouts of a variant as they were first thought of, on their sites as memory sees them, and what they became."""


@dataclass
class Tried:
    """The trials of one variant, of which other nodes ask for most again, and its bills, which hold for any load.

    With `lean` layouts are billed as if they ran so many sequences at once, and carry all that the room left holds:
    no layout that is made for more of them carries more.
    """

    billed: Billed
    trials: dict[tuple[Split, tuple[Site, ...]], Trial] = field(default_factory=dict)
    lean: int | None = None


@dataclass(frozen=True)
class Grounds:
    """What the nodes offer: slots of each size by island kind, and whether a realm has a single node."""

    slots: Mapping[IslandKind, Mapping[int, int]]
    lone_realms: frozenset[str]

    @cached_property
    def offered(self) -> tuple[tuple[object, ...], ...]:
        """The slots as a key to look things up by."""
        return tuple((kind, *sizes.items()) for kind, sizes in self.slots.items())

    @cached_property
    def onward(self) -> Onward:
        """Link and bandwidth from each island kind to what does not lie in the same slot."""
        return {island: self.next_site(island) for island in self.slots}

    def of_at_most(self, gpus: int) -> "Grounds":
        """Return the slots that replicas of so many GPUs may take."""
        slots = {
            kind: {size: min(count, gpus // size) for size, count in sizes.items() if size <= gpus}
            for kind, sizes in self.slots.items()
        }
        return replace(self, slots=slots)

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


def enumerate_shapes(
    place: int,
    wanted: ModelRequest,
    variant: Variant,
    ground: Grounds,
    tried: Tried,
    *,
    sparse: bool = False,
    shallow: bool = False,
    densest: int = 0,
) -> Shapes:
    """Try every split on one island kind of a variant of the model at `place` of the request, but for what was `tried`.

    With `sparse`, of the pipelines of alike stages the shortest that fits is billed, and longer ones are promised.
    With `shallow` nothing but single stages are tried. With `densest`, what very many GPUs carry at most, no pipeline
    has more stages than that and none has stages that share an island; where memory is all that counts it is `sparse`,
    and whole experts on each rank are not tried where shares of all of them fit, else no pipeline is tried that is
    longer than two that carried less a GPU than shorter ones. Splits that cannot be part of the best plan are counted
    but not billed: those whose GPUs together are smaller than the weights, and, where memory is all that counts, longer
    pipelines of what already runs as many sequences as the engine would.
    """
    found = Shapes()
    speed = needs_speed(wanted.workload)
    packed, falling, sparse = speed and not densest, speed and densest > 0, sparse or (densest > 0 and not speed)
    layers = len(variant.model.layers)
    for deepest in (densest,) if densest else (1,) if shallow else (DEEPEST, layers):
        splits = even_splits(variant.model, ground.slots, deepest=deepest, packed=packed)
        before = 0
        for (_, _, (_, experts, _)), alike in groupby(
            splits, key=lambda split: (split.stages[0].island, split.stages[0].tensor, split.sizes)
        ):
            if densest and sparse and experts and len(found.fitting) > before:
                found.considered += len(list(alike))
                continue
            before = len(found.fitting)
            _try_pipelines(found, place, wanted, variant, alike, ground, tried, sparse=sparse, falling=falling)
        if (
            found.fitting
            or found.slow
            or deepest >= min(layers, max((sum(slots.values()) for slots in ground.slots.values()), default=0))
        ):
            break
    if wanted.allow.share_gpus and may_share(variant.engine):
        for _, smaller_first in groupby(shared_splits(ground.slots), key=lambda split: split.stages[0].island):
            _try_pipelines(found, place, wanted, variant, smaller_first, ground, tried)
    return found


def _try_pipelines(
    found: Shapes,
    place: int,
    wanted: ModelRequest,
    variant: Variant,
    alike: Iterable[Split],
    ground: Grounds,
    tried: Tried,
    *,
    sparse: bool = False,
    falling: bool = False,
) -> None:
    """Try splits that differ in the length of the pipeline, or in their share of a GPU, smaller ones first.

    An engine that refuses a single stage refuses pipelines of such stages as well.
    """
    full = refused = False
    small: Split | None = None
    weights = hopeless = fallen = 0
    best: Fraction | None = None
    splits = list(alike)
    longest: tuple[Layout, tuple[Site, ...]] | None = None
    for place_in_line, split in enumerate(splits):
        if full or refused or place_in_line < hopeless or fallen == _FALLS:
            found.considered += 1
        elif _too_small(variant, split) or split.pipeline * split.stages[0].island.gpu.memory_bytes < weights:
            found.considered += 1
            small = split
        else:
            trial = try_split(found, place, wanted, variant, split, ground, tried)
            shape, small = trial.shape, None
            weights = shape.stage_weights if shape and not shape.bill.fits else 0
            refused = shape is None and not split.parts and _single_refused(wanted, variant, split)
            if shape and not needs_speed(wanted.workload):
                full = shape.capacity.get("sequences", 0) >= _most(wanted, shape, trial)
            if falling and shape and shape.bill.fits:
                carried = Fraction(max(shape.capacity.values()), shape.gpus)
                fallen, best = (fallen + 1, best) if best and carried < best else (0, carried)
            longer = splits[place_in_line + 1 :] if (sparse or falling) and shape and not full else []
            if longer and shape:
                longest = longest or (_layout(wanted, variant, splits[-1]), tuple(_sites(splits[-1], ground)))
                if not shape.bill.fits:
                    hopeless = place_in_line + 1 + without_room(shape, longer, *longest)
                elif sparse and (promised := promises(shape, longer, *longest)) is not None:
                    found.promised += promised
                    found.considered += len(promised)
                    return
    if small is not None:
        found.considered -= 1
        try_split(found, place, wanted, variant, small, ground, tried)


def _single_refused(wanted: ModelRequest, variant: Variant, split: Split) -> bool:
    """Whether the engine, which refuses this pipeline, refuses a single stage of it as well."""
    if split.pipeline == 1:
        return True
    (run,) = split.stages
    single = replace(split, stages=(replace(run, count=1),), stages_per_slot=1)
    return bool(variant.engine.refusals(variant.model, _layout(wanted, variant, single), run.island.gpu))


def _most(wanted: ModelRequest, shape: Shape, trial: Trial) -> int:
    """Sequences that a longer pipeline of the same stages could run at once.

    An engine that sets aside the cache of each sequence may have been given fewer than were asked for.
    """
    if hasattr(shape.variant.engine, "most_sequences"):
        return wanted.limits.max_num_seqs or wanted.workload.concurrency
    return trial.sequences


def _too_small(variant: Variant, split: Split) -> bool:
    """Whether the GPUs together have less memory than half the layers' weights take on disk.

    Engines may hold weights in half the width of the checkpoint, never in less.
    """
    run = split.stages[0]
    whole = run.island.gpu.memory_bytes * run.tensor * split.data * run.count
    memory = share_bytes(run.island.gpu, split.parts) if split.parts else whole
    return not variant.limits.options and 2 * memory < variant.model.layer_bytes


def bill_promised(one: Promised, place: int, wanted: ModelRequest, ground: Grounds, tried: Tried) -> Shape | None:
    """Bill what was promised; None where it is refused or does not fit."""
    found = Shapes()
    try_split(found, place, wanted, one.base.variant, one.split, ground, tried)
    return next(iter(found.fitting), None)


def try_split(
    found: Shapes, place: int, wanted: ModelRequest, variant: Variant, split: Split, ground: Grounds, tried: Tried
) -> Trial:
    """Bill a split and see how fast it is, if that was not tried before, and add it to what was found."""
    found.considered += 1
    sites = tuple(_sites(split, ground))
    key = (split, sites)
    trial = tried.trials.get(key)
    if trial is None:
        trial = tried.trials[key] = _trial(place, wanted, variant, split, sites, tried)
    found.most_sequences = max(found.most_sequences, trial.sequences)
    found.refusals |= dict.fromkeys(trial.refusals)
    if trial.shape is None:
        return trial
    fits = trial.shape.bill.fits
    group = found.misfits if not fits else found.fitting if all(trial.shape.capacity.values()) else found.slow
    group.append(trial.shape)
    if fits and may_separate(wanted) and not split.parts:
        found.fitting += phase_shapes(trial.shape, wanted.workload, ground.onward)
    return trial


def _trial(
    place: int, wanted: ModelRequest, variant: Variant, split: Split, sites: tuple[Site, ...], tried: Tried
) -> Trial:
    model, engine = variant.model, variant.engine
    layout = _layout(wanted, variant, split)
    sequences = layout.max_num_seqs * layout.data_parallel_size
    if tried.lean is not None:
        few = wanted.workload.model_copy(update={"concurrency": tried.lean})
        layout = _layout(wanted.model_copy(update={"workload": few}), variant, split)
    kinds = dict.fromkeys(run.island.gpu for run in split.stages)
    for gpu in kinds:
        if reasons := engine.refusals(model, layout, gpu):
            return Trial(sequences, tuple(f"{layout.label()}: {reason}" for reason in reasons))
    seats = dict.fromkeys((sites, _inner_seats(split, sites)))
    billed = min(
        (_billed(variant, layout, seat, tried) for seat in seats),
        key=lambda billed: (billed.bill.fits, held_sequences(billed.layout, billed.bill)),
    )
    layout, bill = billed.layout, billed.bill
    if split.parts and not bill.fits:
        return Trial(sequences)
    if tried.lean is not None:
        carried = {"sequences": min(bill.sequences, sequences)}
    else:
        carried = capacity(model, layout, sites, engine, wanted.workload, bill) if bill.fits else {}
    slots = tuple(
        SlotKind(run.island, run.tensor * split.data * split.stages_per_slot, split.parts)
        for run in split.stages
        for _ in range(run.count // split.stages_per_slot)
    )
    return Trial(sequences, shape=Shape(place, variant, layout, slots, sites, bill, carried))


def _billed(variant: Variant, layout: Layout, sites: tuple[Site, ...], tried: Tried) -> Shared:
    """The layout with the best shares of layers on these sites, and smaller where the engine lets it be; its bill."""
    places = tuple(site.as_memory for site in sites)
    known = tried.billed.get((layout, places))
    if known is None:
        known = tried.billed[layout, places] = _bill(variant, layout, places)
    return known


def _bill(variant: Variant, layout: Layout, sites: tuple[Site, ...]) -> Shared:
    model, engine = variant.model, variant.engine
    shared = best_shares(model, engine, layout, sites)
    kinds = dict.fromkeys(site.gpu for site in sites)
    if shared.layout is not layout and any(engine.refusals(model, shared.layout, gpu) for gpu in kinds):
        shared = Shared(layout, engine.bill(model, layout, sites))
    layout, bill = shared.layout, shared.bill
    if not bill.fits and variant.limits.max_num_seqs is None:
        layout, bill = fewer_slots(engine, model, layout, sites) or (layout, bill)
    if bill.reasons and not bill.short_bytes and variant.limits.memory_fraction is None:
        layout, bill = lower_fraction(engine, model, layout, sites) or (layout, bill)
    return Shared(layout, bill)


def _inner_seats(split: Split, sites: tuple[Site, ...]) -> tuple[Site, ...]:
    """The sites as they are where tensor-parallel groups come to lie on inner islands with peer access.

    GPUs of an island may be seated anywhere in it, and with peer access engines may keep more memory.
    """
    groups = zip(split.islands, split.tensors, sites, strict=True)
    return tuple(
        replace(site, link=LinkClass.NVLINK) if 1 < tensor <= island.inner_peers else site
        for island, tensor, site in groups
    )


def _layout(wanted: ModelRequest, variant: Variant, split: Split) -> Layout:
    """The engine's layout of a split; its defaults are those on the first stage's GPU, where the engine starts."""
    model, engine, limits = variant.model, variant.engine, variant.limits
    gpu, tensors = split.stages[0].island.gpu, split.tensors
    sized = partial(
        engine.layout,
        model,
        gpu,
        tensor=max(tensors),
        pipeline=split.pipeline,
        data=split.data,
        expert_parallel=split.experts,
    )
    layout = sized(limits)
    if limits.max_num_seqs is None:
        groups = split.data if getattr(engine, "counts_sequences_of_all_groups", False) else 1
        usual = layout.max_num_seqs * groups
        most = getattr(engine, "most_sequences", usual)
        layout = sized(limits.model_copy(update={"max_num_seqs": _sequences(wanted.workload, usual, most)}))
    if len(set(tensors)) > 1:
        layout = layout.model_copy(update={"tensor_parallel_per_stage": tensors})
    return layout


def _sequences(workload: Workload, usual: int, most: int) -> int:
    """Sequences an engine may run at once: as many as are in flight; under a rate that follows from the speed."""
    return usual if arrives(workload) else min(most, workload.concurrency)


def _sites(split: Split, ground: Grounds) -> Iterator[Site]:
    """The site of each stage; stages that lie alike have one and the same."""
    if split.stages_per_slot == len(split.stages) == 1 and split.pipeline > 1:
        (run,) = split.stages
        (site,) = _sites(replace(split, stages=(replace(run, count=1),)), ground)
        yield from repeat(site, run.count)
        return
    islands = split.islands
    for stage, (island, tensor) in enumerate(zip(islands, split.tensors, strict=True)):
        link, gbps = island.link, island.group_gbps(2)
        if (stage + 1) % split.stages_per_slot == 0:
            after = islands[min(stage + 1, len(islands) - 1)]
            link, gbps = min(ground.next_site(island), ground.next_site(after), key=lambda hop: hop[1])
        site = Site(island.gpu, island.link, island.group_gbps(tensor), link, gbps, island.used_bytes)
        yield in_share(site, split.parts) if split.parts else site
