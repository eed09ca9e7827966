"""Every plan there is under every kind of rule, tried one by one on named devices: a handful of GPUs on a few nodes.

Shares no code with the solver's search or its programme: replicas are slots of GPUs taken on nodes, what has been
taken is walked through state by state, and for each state all that may have been reached is kept: loads carried,
with each node lost, domains used, copies. Prices of a layout (memory bill, speed) are those of the same engine profile
and speed model. The nodes have one island for each kind of GPU.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from heapq import heappop, heappush
from itertools import combinations, pairwise, permutations
from math import ceil, floor
from typing import Any

from planner.errors import BadInput
from planner.fleet.island import Island, LinkClass, meshed
from planner.fleet.node import Node
from planner.fleet.site import UNKNOWN_NETWORK_GBPS, Site
from planner.layout import Layout, Limits
from planner.request import ModelRequest, Request
from planner.speed.phase_rates import DecodeWorker, PrefillWorker, worker
from planner.speed.predict import predict
from planner.speed.traffic import traffic

TWENTIETHS = 20
State = tuple[tuple[int, ...], ...]
"""Twentieths taken of each GPU of each node."""
Way = tuple[str, LinkClass, float]
"""Realm, link and GB/s on which caches go from prefill to decode workers."""


@dataclass(frozen=True)
class Level:
    """GPUs of one kind in one island of a node that others hold at most so much of."""

    node: int
    slug: str
    used: int


@dataclass(frozen=True)
class Slot:
    """So many GPUs of a level; with `parts` twentieths of a single one."""

    level: Level
    size: int
    parts: int = 0


@dataclass(frozen=True)
class Copy:
    """One copy of a model: its slots, what it carries, and its phase with the way of its pool."""

    slots: tuple[Slot, ...]
    carried: tuple[tuple[str, int], ...]
    phase: str | None = None
    way: Way | None = None

    @property
    def nodes(self) -> frozenset[int]:
        """Nodes it touches."""
        return frozenset(slot.level.node for slot in self.slots)


@dataclass(frozen=True)
class Reached:
    """What the copies of one model have reached.

    `sums` counts, for each way of losing a node (the last: none), each need and phase, what is carried.
    """

    sums: tuple[tuple[object, int], ...] = ()
    copies: int = 0
    domains: frozenset[object] = frozenset()


class Search:
    """One request, the nodes, and for each model what is served by which engine."""

    def __init__(self, request: Request, nodes: Sequence[Node], served: Sequence[tuple[Any, Any]]) -> None:
        self.request, self.nodes, self.served = request, nodes, served
        self._known: dict[object, tuple[Layout, Any, dict[str, int]]] = {}

    def cheapest(self) -> float | None:
        """Least price of a plan that keeps all rules (GPUs where there are no prices); None: there is no plan.

        What is taken only makes it dearer, so of all that is reached the cheapest goes on first.
        """
        copies = [list(self._copies(place)) for place in range(len(self.served))]
        start: State = tuple(
            tuple(TWENTIETHS if gpu in node.reserved else 0 for gpu in range(len(node.gpus))) for node in self.nodes
        )
        begin = (Reached(),) * len(self.served)
        seen, frontier = {(start, begin)}, [(0.0, 0, start, begin)]
        while frontier:
            price, _, state, reached = heappop(frontier)
            if all(self._met(place, mine) for place, mine in enumerate(reached)):
                return price
            for place, options in enumerate(copies):
                for copy in options:
                    after = self._after(place, reached[place], copy)
                    if after is None or after == reached[place]:
                        continue
                    together = (*reached[:place], after, *reached[place + 1 :])
                    for left in self._take(state, copy.slots):
                        dearer = self._price(start, left)
                        if dearer is not None and (left, together) not in seen:
                            seen.add((left, together))
                            heappush(frontier, (dearer, len(seen), left, together))
        return None

    @cached_property
    def priced(self) -> bool:
        """Whether any price is known."""
        return any(node.usd_per_hour is not None or node.usd_per_gpu_hour is not None for node in self.nodes)

    def _price(self, start: State, state: State) -> float | None:
        total, gpus = 0.0, 0
        for node, before, now in zip(self.nodes, start, state, strict=True):
            used = sum(taken > was for taken, was in zip(now, before, strict=True))
            gpus += used
            if used:
                total += (node.usd_per_hour or 0) + (node.usd_per_gpu_hour or 0) * used
        if self.request.max_gpus is not None and gpus > self.request.max_gpus:
            return None
        most = self.request.max_usd_per_hour
        if most is not None and total > most + 1e-9:
            return None
        return round(total, 6) if self.priced else float(gpus)

    def _take(self, state: State, slots: tuple[Slot, ...]) -> set[State]:
        """Every state after the slots are taken, of GPUs that nobody has touched or that have room for a part."""
        if not slots:
            return {state}
        slot, found = slots[0], set()
        node, taken = self.nodes[slot.level.node], state[slot.level.node]
        able = [
            gpu
            for gpu, held in enumerate(taken)
            if node.gpus[gpu].slug == slot.level.slug
            and node.used(gpu) <= slot.level.used
            and (held + slot.parts <= _free_parts(node, gpu) if slot.parts else held == 0)
        ]
        for chosen in combinations(able, slot.size):
            now = tuple(h + (slot.parts or TWENTIETHS) if gpu in chosen else h for gpu, h in enumerate(taken))
            now = _in_order(node, now)
            found |= self._take((*state[: slot.level.node], now, *state[slot.level.node + 1 :]), slots[1:])
        return found

    # What has been reached

    def _wanted(self, place: int) -> ModelRequest:
        return self.request.models[place]

    def _needs(self, place: int) -> dict[str, int]:
        load = self._wanted(place).workload
        found = {"sequences": load.concurrency}
        if load.requests_per_second is not None:
            found["requests"] = ceil(load.requests_per_second * 1000)
        if load.tokens_per_second is not None:
            found["tokens"] = ceil(load.tokens_per_second * 1000)
        return found

    def _after(self, place: int, before: Reached, copy: Copy) -> Reached | None:
        """What is reached with one copy more; None where a rule forbids it."""
        wanted, needs = self._wanted(place), self._needs(place)
        domains = {self._domain(node, wanted.spread or wanted.pack or "node") for node in copy.nodes}
        if wanted.spread and domains & before.domains:
            return None
        if wanted.pack and len(domains | before.domains) > 1:
            return None
        if wanted.most_replicas is not None and before.copies == wanted.most_replicas:
            return None
        losses = [*range(len(self.nodes))] if wanted.survive else []
        sums = dict(before.sums)
        for lost in (*losses, None):
            if lost in copy.nodes:
                continue
            for need, amount in copy.carried:
                pooled = copy.phase is not None and (need != "sequences" or copy.phase == "prefill")
                key = (lost, need, copy.phase if pooled else None, copy.way if pooled else None)
                total = sums.get(key, 0) + amount
                endless = copy.phase is not None and len(needs) == 1
                sums[key] = total if endless else min(total, needs.get(need, total))
        copies = (
            before.copies + 1 if wanted.most_replicas is not None else min(before.copies + 1, wanted.least_replicas)
        )
        kept = frozenset(before.domains | domains) if wanted.spread or wanted.pack else frozenset()
        return Reached(tuple(sorted(sums.items(), key=repr)), copies, kept)

    def _met(self, place: int, reached: Reached) -> bool:
        wanted, needs, sums = self._wanted(place), self._needs(place), dict(reached.sums)
        losses = [*range(len(self.nodes))] if wanted.survive else []
        ways = {key[3] for key in sums if key[3] is not None}
        if reached.copies < wanted.least_replicas:
            return False
        for lost in (*losses, None):
            for need, asked in needs.items():
                total = sums.get((lost, need, None, None), 0)
                if need != "sequences":
                    total += sum(
                        min(sums.get((lost, need, phase, way), 0) for phase in ("prefill", "decode")) for way in ways
                    )
                if total < asked:
                    return False
            if len(needs) == 1 and any(
                sums.get((lost, "requests", "prefill", way), 0) < sums.get((lost, "requests", "decode", way), 0)
                for way in ways
            ):
                return False
        return True

    def _domain(self, node: int, kind: str) -> object:
        named = {"rack": self.nodes[node].rack, "zone": self.nodes[node].zone}.get(kind)
        return named or ("node", node)

    # Copies

    def _copies(self, place: int) -> Iterator[Copy]:
        """Every copy of a model that carries anything, by the slots it takes."""
        wanted = self._wanted(place)
        levels = [
            level
            for number, node in enumerate(self.nodes)
            if self._may_use(wanted, node)
            for level in sorted(
                {Level(number, node.gpus[g].slug, node.used(g)) for g in node.usable}, key=lambda x: (x.slug, x.used)
            )
        ]
        slots = [Slot(level, size) for level in levels for size in range(1, self._largest(level) + 1)]
        most = len(self.served[place][0].layers)
        found: set[Copy] = set()
        for number in range(1, most + 1):
            for chosen in self._multisets(slots, number):
                if len({self.nodes[slot.level.node].zone or "" for slot in chosen}) == 1:
                    found |= self._of_slots(place, chosen)
        if wanted.allow.share_gpus:
            for level in levels:
                for parts in range(1, 1 if self._sliced(level) else TWENTIETHS):
                    found |= self._of_slots(place, (Slot(level, 1, parts),))
        rated = len(self._needs(place)) > 1
        yield from sorted((copy for copy in found if not any(_below(copy, c, rated) for c in found)), key=repr)

    def _multisets(self, slots: Sequence[Slot], number: int) -> Iterator[tuple[Slot, ...]]:
        def room(chosen: Sequence[Slot]) -> bool:
            taken = Counter[tuple[int, str, int]]()
            for slot in chosen:
                taken[slot.level.node, slot.level.slug, slot.level.used] += slot.size
            return all(
                sum(n for (a, b, used), n in taken.items() if (a, b) == (node, slug) and used <= most)
                <= self._gpus_of(Level(node, slug, most))
                for node, slug, most in taken
            )

        def more(chosen: tuple[Slot, ...], first: int) -> Iterator[tuple[Slot, ...]]:
            if len(chosen) == number:
                yield chosen
                return
            for at in range(first, len(slots)):
                longer = (*chosen, slots[at])
                if room(longer):
                    yield from more(longer, at)

        yield from more((), 0)

    def _largest(self, level: Level) -> int:
        """GPUs of the largest slot of a level: no collective joins slices of a GPU."""
        return 1 if self._sliced(level) else self._gpus_of(level)

    def _sliced(self, level: Level) -> bool:
        return any(gpu.slug == level.slug and not gpu.whole for gpu in self.nodes[level.node].gpus)

    def _gpus_of(self, level: Level) -> int:
        """How many GPUs of a node make the slots of a level."""
        node = self.nodes[level.node]
        return sum(node.gpus[g].slug == level.slug and node.used(g) <= level.used for g in node.usable)

    def _of_slots(self, place: int, slots: tuple[Slot, ...]) -> set[Copy]:
        """The copies on these slots, in every order of runs of alike stages and with every sharing of the hops."""
        _model, engine = self.served[place]
        runs: dict[object, list[Slot]] = {}
        for slot in slots:
            runs.setdefault((self._kind(slot.level), slot.size), []).append(slot)
        sizes = {slot.size for slot in slots}
        own = getattr(engine, "tensor_per_stage", False)
        if len(runs) > 3 or (len(sizes) > 1 and not own):
            return set()
        found: set[Copy] = set()
        for order in permutations(runs.values()) if len(runs) > 1 else [tuple(runs.values())]:
            stages = [slot for run in order for slot in run]
            for packed in self._packings(stages) if len(runs) == 1 and self._timed(place) else (1,):
                for phase, way, carried in self._carried(place, stages, packed):
                    if any(carried.values()):
                        found.add(Copy(slots, tuple(sorted(carried.items())), phase, way))
        return found

    def _kind(self, level: Level) -> object:
        """What must be alike for stages to follow each other in one run."""
        island = self._island(level)
        node = self.nodes[level.node]
        return (level.slug, level.used, island.link, island.gbps, island.pair_gbps, node.network_gbps)

    def _island(self, level: Level) -> Island:
        node = self.nodes[level.node]
        gpu = next(g for g in node.usable if node.gpus[g].slug == level.slug)
        return next(island for island in node.islands if gpu in island.gpus)

    def _timed(self, place: int) -> bool:
        load = self._wanted(place).workload
        return len(self._needs(place)) > 1 or load.has_targets

    def _packings(self, stages: Sequence[Slot]) -> list[int]:
        """How many stages in a row may share an island: a number that divides those on each node."""
        counts = Counter(slot.level.node for slot in stages)
        return [n for n in range(1, len(stages) + 1) if all(count % n == 0 for count in counts.values())]

    # Pricing

    def _carried(
        self, place: int, stages: Sequence[Slot], packed: int
    ) -> Iterator[tuple[str | None, Way | None, dict[str, int]]]:
        """What a copy carries as a whole, and as a worker of either phase on each way."""
        wanted = self._wanted(place)
        sites, sizes = tuple(self._sites(stages, packed)), tuple(slot.size for slot in stages)
        if (place, sites, sizes) not in self._known:
            self._known[place, sites, sizes] = self._billed(place, sites, sizes)
        layout, bill, carried = self._known[place, sites, sizes]
        if bill is None:
            return
        if carried:
            yield None, None, carried
        if self._timed(place) and wanted.allow.disaggregation and len(stages) == 1 and sizes[0] in (1, 2, 4, 8):
            yield from self._workers(place, stages[0], layout, sites, bill)

    def _billed(
        self, place: int, sites: tuple[Site, ...], sizes: tuple[int, ...]
    ) -> tuple[Layout, Any, dict[str, int]]:
        """The layout with the best share of the layers, its bill (None: it does not fit), what it carries whole."""
        wanted, (model, engine) = self._wanted(place), self.served[place]
        load = wanted.workload
        layout = self._layout(place, sites[0].gpu, sizes)
        if any(engine.refusals(model, layout, site.gpu) for site in sites):
            return layout, None, {}
        layout, bill = max(
            (
                (shared, engine.bill(model, shared, sites))
                for shared in (layout, *_all_shares(layout, len(model.layers)))
            ),
            key=lambda way: (way[1].sequences, -way[1].short_bytes, way[1].kv_cache_tokens),
        )
        if not bill.fits:
            return layout, None, {}
        held = min(bill.sequences, layout.max_num_seqs)
        if not self._timed(place):
            return layout, bill, {"sequences": held}
        try:
            speed = predict(model, layout, sites, engine, load.model_copy(update={"requests_per_second": None}))
        except BadInput:
            return layout, None, {}
        carried = {"sequences": held if len(self._needs(place)) > 1 else min(held, speed.in_flight)}
        able = speed.requests_per_second * 0.999 * 1000
        if load.requests_per_second is not None:
            carried["requests"] = floor(able)
        if load.tokens_per_second is not None:
            carried["tokens"] = floor(able * traffic(load).output)
        return layout, bill, carried if all(carried.values()) else {}

    def _workers(
        self, place: int, slot: Slot, layout: Layout, sites: tuple[Site, ...], bill: Any
    ) -> Iterator[tuple[str, Way, dict[str, int]]]:
        load, (model, engine) = self._wanted(place).workload, self.served[place]
        answers, rated = traffic(load), len(self._needs(place)) > 1
        pool = worker(layout, sites)
        realm = self.nodes[slot.level.node].zone or ""
        own = self._onward(slot.level)
        others = {self._onward(level) for level in self._all_levels() if (self.nodes[level.node].zone or "") == realm}
        for link, gbps in others:
            if link != own[0] or gbps > own[1]:
                continue
            prefill = PrefillWorker(model, pool, engine, answers, link, gbps)
            rate = prefill.most(load.ttft_ms / 1000 if load.ttft_ms else None, bill.kv_cache_tokens)
            if requests := floor(rate * 1000):
                yield "prefill", (realm, link, gbps), self._counted(place, rate, requests, 0)
            decode = DecodeWorker(model, pool, engine, answers)
            running = decode.most_sequences(load.tpot_ms / 1000 if load.tpot_ms else None)
            held = min(bill.sequences, layout.max_num_seqs)
            if not rated:
                running = held = min(running, held, load.concurrency)
            rate = decode.rate(running)
            if requests := floor(rate * 1000) if rated else ceil(rate * 1000):
                yield "decode", (realm, link, gbps), self._counted(place, rate, requests, held)

    def _counted(self, place: int, rate: float, requests: int, held: int) -> dict[str, int]:
        found = {"sequences": held, "requests": requests}
        load = self._wanted(place).workload
        if load.tokens_per_second is not None:
            found["tokens"] = floor(rate * traffic(load).output * 1000)
        return found

    def _layout(self, place: int, gpu: Any, tensors: tuple[int, ...]) -> Layout:
        wanted, (model, engine) = self._wanted(place), self.served[place]
        load, stages = wanted.workload, len(tensors)
        usual = engine.layout(
            model, gpu, Limits(max_model_len=load.context), tensor=max(tensors), pipeline=stages
        ).max_num_seqs
        most = usual if len(self._needs(place)) > 1 else min(usual, load.concurrency)
        limits = Limits(max_model_len=load.context, max_num_seqs=most)
        layout = engine.layout(model, gpu, limits, tensor=max(tensors), pipeline=stages)
        return layout.model_copy(update={"tensor_parallel_per_stage": tensors}) if len(set(tensors)) > 1 else layout

    def _gpu(self, level: Level) -> Any:
        return next(gpu for gpu in self.nodes[level.node].gpus if gpu.slug == level.slug)

    def _sites(self, stages: Sequence[Slot], packed: int) -> Iterator[Site]:
        for number, slot in enumerate(stages):
            island, gpu = self._island(slot.level), self._gpu(slot.level)
            link, gbps = island.link, meshed(island.gbps, island.seen_pair_gbps, 2)
            if (number + 1) % packed == 0:
                after = stages[min(number + 1, len(stages) - 1)]
                link, gbps = min(self._onward(slot.level), self._onward(after.level), key=lambda hop: hop[1])
            inside = meshed(island.gbps, island.seen_pair_gbps, slot.size)
            used = slot.level.used
            if slot.parts:
                used = max(used, gpu.memory_bytes - gpu.memory_bytes * slot.parts // TWENTIETHS)
            share = slot.parts / TWENTIETHS if slot.parts else 1.0
            yield Site(gpu, island.link, inside, link, gbps, used, share=share)

    def _onward(self, level: Level) -> tuple[LinkClass, float]:
        """To other slots: the network, or the node's own link where its zone has no other node."""
        node, island = self.nodes[level.node], self._island(level)
        if sum((other.zone or "") == (node.zone or "") for other in self.nodes) == 1:
            return island.link, meshed(island.gbps, island.seen_pair_gbps, 2)
        return LinkClass.NETWORK, node.network_gbps or UNKNOWN_NETWORK_GBPS

    def _all_levels(self) -> set[Level]:
        return {
            Level(number, node.gpus[gpu].slug, node.used(gpu))
            for number, node in enumerate(self.nodes)
            for gpu in node.usable
        }

    def _may_use(self, wanted: ModelRequest, node: Node) -> bool:
        if any(_chosen(node, choice) for choice in (*self.request.exclude_nodes, *wanted.exclude_nodes)):
            return False
        return not wanted.nodes or any(_chosen(node, choice) for choice in wanted.nodes)


def _below(copy: Copy, other: Copy, rated: bool) -> bool:
    """Whether another copy on the same slots carries as much of everything, and more of something."""
    if copy == other or (copy.slots, copy.phase, copy.way) != (other.slots, other.phase, other.way):
        return False
    if copy.phase == "decode" and not rated:
        return False
    return all(mine <= more for (_, mine), (_, more) in zip(copy.carried, other.carried, strict=True))


def _chosen(node: Node, choice: str) -> bool:
    kind, _, name = choice.partition(":")
    if not name:
        return fnmatch(node.name, choice)
    return {"zone": node.zone, "rack": node.rack, "gpu": node.gpus[0].slug}[kind] == name


def _free_parts(node: Node, gpu: int) -> int:
    memory = node.gpus[gpu].memory_bytes
    return (memory - node.used(gpu)) * TWENTIETHS // memory


def _in_order(node: Node, taken: tuple[int, ...]) -> tuple[int, ...]:
    """The same with the GPUs that are alike in one order, so that states which differ in names are one."""
    groups: dict[object, list[int]] = {}
    for gpu, kind in enumerate(node.gpus):
        groups.setdefault((kind.slug, node.used(gpu), gpu in node.reserved), []).append(gpu)
    found = list(taken)
    for members in groups.values():
        for gpu, amount in zip(members, sorted((taken[m] for m in members), reverse=True), strict=True):
            found[gpu] = amount
    return tuple(found)


def _all_shares(layout: Layout, layers: int) -> Iterator[Layout]:
    """Every contiguous share of the layers."""
    for cut in combinations(range(1, layers), layout.pipeline_parallel_size - 1):
        ends = (0, *cut, layers)
        yield layout.model_copy(update={"layers_per_stage": tuple(b - a for a, b in pairwise(ends))})
