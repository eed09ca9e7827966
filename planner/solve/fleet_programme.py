"""The covering programme: how many replicas of each shape, on how many nodes of each class.

Variables: replicas of each shape; nodes in use of each class; slots of each kind taken from each class;
where slot sizes do not divide each other, pools cut in each way. Rows: every load is covered, slots taken
are slots needed, slots fit into the pools of the nodes in use. Prices hang on nodes and on slots.
"""

from collections.abc import Callable, Mapping, Sequence

from planner.fleet.share import PARTS, free_parts
from planner.solve.cutting import Cut, cut_pool, cuttings, divides_in_chain
from planner.solve.failure_domains import lie_in_domains
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.keeping import Kept
from planner.solve.node_class import NodeClass
from planner.solve.phase_cover import carried_by
from planner.solve.pool import Pool
from planner.solve.rules import Rules, Tenant
from planner.solve.shape import Shape
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.taken import SharedPool, Taken
from planner.units import ceil_div
from planner.workload import Workload


class FleetProgramme:
    """The programme of some shapes on some node classes, with its variables by meaning."""

    def __init__(
        self, shapes: Sequence[Shape], classes: Sequence[NodeClass], needs: Sequence[Mapping[str, int]], rules: Rules
    ) -> None:
        self.shapes, self.classes, self.needs, self.rules = shapes, classes, needs, rules
        self.rows = IntegerProgramme()
        self.replicas = [self.rows.variable() for _ in shapes]
        self.nodes = [self.rows.variable(node_class.count) for node_class in classes]
        self.taken: dict[Taken, int] = {}
        self.cuts: dict[tuple[int, int], list[tuple[Cut, int]]] = {}
        self.shared: dict[SharedPool, int] = {}
        self.shared_cuts: dict[SharedPool, list[tuple[Cut, int]]] = {}
        self.keepers: dict[int, Kept] = {}
        self.loads: tuple[Workload, ...] = ()
        self.load_rows: dict[tuple[int, str], int] = {}
        self.surviving: dict[tuple[int, str], dict[int, Terms]] = {}
        self._carried: dict[tuple[int, str], Terms] = {}
        self._cover_loads()
        self._one_variant_each()
        before = len(self.rows.rows)
        self._take_slots()
        self._fit_pools()
        self.cutting_rows = range(before, len(self.rows.rows))
        if rules.budget is not None:
            self.rows.at_most(self.cost, rules.budget)
        if rules.gpus is not None:
            self.rows.at_most(self.gpus, rules.gpus)
        lie_in_domains(self)

    @property
    def cost(self) -> Terms:
        """Price of the nodes and GPUs in use, in millionths of a dollar an hour."""
        terms = Adding()
        for node_class, variable in zip(self.classes, self.nodes, strict=True):
            terms.add(variable, node_class.node_price)
        for taken, variable in self.taken.items():
            if not taken.kind.share:
                terms.add(variable, self.classes[taken.node_class].gpu_price * taken.kind.size)
        for pool, variable in self.shared.items():
            terms.add(variable, self.classes[pool.node_class].gpu_price)
        return terms

    @property
    def gpus(self) -> Terms:
        """GPUs in use."""
        alone = {v: shape.gpus for shape, v in zip(self.shapes, self.replicas, strict=True) if not shape.parts}
        return alone | dict.fromkeys(self.shared.values(), 1)

    @property
    def nodes_used(self) -> Terms:
        """Nodes in use."""
        return dict.fromkeys(self.nodes, 1)

    def carried(self, place: int, need: str) -> Terms:
        """What the replicas of the model at `place` carry together."""
        if (place, need) not in self._carried:
            self._carried[place, need] = self._sum(place, need, self._copies(place))
        return self._carried[place, need]

    def carried_without(self, place: int, need: str, lost: Mapping[int, Terms]) -> Terms:
        """The same when of each shape, by its identity, the copies that `lost` counts are gone."""
        left = []
        for shape, counted in self._copies(place):
            terms = Adding(counted)
            for variable, count in lost.get(id(shape), {}).items():
                terms.add(variable, -count)
            left.append((shape, terms))
        return self._sum(place, need, left)

    def _sum(self, place: int, need: str, copies: Sequence[tuple[Shape, Terms]]) -> Terms:
        return carried_by(self.rows, copies, need, keep_up=self.needs[place].keys() == {"sequences"})

    def _copies(self, place: int) -> list[tuple[Shape, Terms]]:
        return [
            (shape, {variable: 1})
            for shape, variable in zip(self.shapes, self.replicas, strict=True)
            if shape.wanted == place
        ]

    def _cover_loads(self) -> None:
        for place, asked in enumerate(self.needs):
            for need, amount in asked.items():
                carried = self.carried(place, need)
                self.load_rows[place, need] = len(self.rows.rows)
                self.rows.at_least(carried, amount)
        for place, (least, most) in enumerate(self.rules.replicas):
            copies = dict.fromkeys((v for s, v in zip(self.shapes, self.replicas, strict=True) if s.wanted == place), 1)
            if least > 1:
                self.rows.at_least(copies, least)
            if most is not None:
                self.rows.at_most(copies, most)

    def _one_variant_each(self) -> None:
        """All replicas of a model are the same variant of it."""
        ways: dict[int, dict[int, list[tuple[Shape, int]]]] = {}
        for shape, variable in zip(self.shapes, self.replicas, strict=True):
            ways.setdefault(shape.wanted, {}).setdefault(id(shape.variant), []).append((shape, variable))
        gpus = sum(node_class.count * len(node_class.example.gpus) for node_class in self.classes)
        for place, by_variant in ways.items():
            if len(by_variant) < 2:
                continue
            chosen = Adding()
            for members in by_variant.values():
                taken = self.rows.variable(1)
                chosen[taken] = 1
                for shape, variable in members:
                    self.rows.at_most({variable: 1, taken: -self._most_replicas(place, shape, gpus)}, 0)
            self.rows.at_most(chosen, 1)

    def _most_replicas(self, place: int, shape: Shape, gpus: int) -> int:
        """No plan has use for more copies of a shape than cover the whole load, and as many again to survive."""
        carried = shape.capacity
        needed = (ceil_div(asked, carried[need]) for need, asked in self.needs[place].items() if carried[need])
        cover = max(needed, default=gpus)
        least = self.rules.replicas[place][0] if self.rules.replicas else 1
        room = gpus * (PARTS // shape.parts) if shape.parts else gpus // shape.gpus
        return min(room, max(2 * cover, least) + 1)

    def _take_slots(self) -> None:
        """Slots needed by the replicas of each tenant are taken from the classes that offer them to it."""
        needed: dict[tuple[SlotKind, Tenant], Adding] = {}
        for shape, variable in zip(self.shapes, self.replicas, strict=True):
            for kind, count in shape.slot_counts.items():
                needed.setdefault((kind, self.rules.tenant(shape)), Adding()).add(variable, count)
        largest = self._largest_scopes()
        for (kind, tenant), terms in needed.items():
            for (number, place), size in largest.get(kind.island, {}).items():
                if size < kind.size or (tenant.classes is not None and number not in tenant.classes):
                    continue
                pool, times = self.classes[number].pools[place]
                each = len(pool.gpus) * (PARTS // kind.share) if kind.share else len(pool.gpus) // kind.size
                taken = self.rows.variable(each * times * self.classes[number].count)
                self.taken[Taken(number, place, kind, tenant)] = taken
                terms.add(taken, -1)
            self.rows.at_most(terms, 0)

    def _largest_scopes(self) -> dict[IslandKind, dict[tuple[int, int], int]]:
        """GPUs of the largest scope of each island kind, in each pool of each class that has one."""
        largest: dict[IslandKind, dict[tuple[int, int], int]] = {}
        for number, node_class in enumerate(self.classes):
            for place, (pool, _) in enumerate(node_class.pools):
                for scope in pool.scopes:
                    sizes = largest.setdefault(scope.kind, {})
                    sizes[number, place] = max(sizes.get((number, place), 0), len(scope.gpus))
        return largest

    def _fit_pools(self) -> None:
        offers: dict[tuple[int, int], dict[SlotKind, Adding]] = {}
        for taken, variable in self.taken.items():
            kinds = offers.setdefault((taken.node_class, taken.pool), {})
            kinds.setdefault(taken.kind, Adding()).add(variable, 1)
        for (number, place), kinds in offers.items():
            pool, times = self.classes[number].pools[place]
            most = self.classes[number].count * times
            whole = {kind: terms for kind, terms in kinds.items() if not kind.share}
            for island in dict.fromkeys(kind.island for kind in kinds if kind.share):
                parts = {kind: terms for kind, terms in kinds.items() if kind.share and kind.island == island}
                opened = self._share_out(SharedPool(number, place, island), parts, most * len(pool.gpus))
                whole.setdefault(SlotKind(island, 1), Adding()).add(opened, 1)
            self.cuts[number, place] = _fit(self.rows, pool, {self.nodes[number]: times}, most, whole)

    def _share_out(self, pool: SharedPool, parts: Mapping[SlotKind, Terms], most: int) -> int:
        """Shares are cut from GPUs of their island kind, which are slots themselves; return how many of these."""
        opened = self.shared[pool] = self.rows.variable(most)
        length = free_parts(pool.island.gpu, pool.island.used_bytes)
        self.shared_cuts[pool] = _fit_sizes(self.rows, length, {opened: 1}, most, parts, lambda kind: kind.share)
        return opened


Wanted = Mapping[SlotKind, Terms]
"""Slots that are wanted of each kind."""


def _fit(rows: IntegerProgramme, pool: Pool, bins: Terms, most: int, wanted: Wanted) -> list[tuple[Cut, int]]:
    """The wanted slots can be cut from as many pools as `bins` counts (never more than `most`).

    Where islands nest, every way to cut a pool becomes a variable, and these are returned.
    """
    if pool.uniform:
        return _fit_sizes(rows, len(pool.gpus), bins, most, wanted, lambda kind: kind.size)
    kinds = sorted(wanted, key=lambda kind: kind.rank)
    return _cut(rows, bins, most, wanted, cut_pool(pool, kinds))


def _fit_sizes(
    rows: IntegerProgramme, length: int, bins: Terms, most: int, wanted: Wanted, size: Callable[[SlotKind], int]
) -> list[tuple[Cut, int]]:
    """The wanted slots can be cut from bins of one length, of which any part will do.

    Slots whose sizes divide each other fit exactly when, for each size, those of at least that size fill no
    more than what their multiples fill of every bin: taken largest first, none finds all bins too full.
    A single bin only needs room for all. Else every way to cut a bin becomes a variable, and these are returned.
    """
    sizes = sorted({size(kind) for kind in wanted})
    if most == 1 or divides_in_chain(sizes):
        for least in sizes[:1] if most == 1 else sizes:
            terms = Adding()
            for kind, variables in wanted.items():
                if size(kind) >= least:
                    _add(terms, variables, size(kind))
            _add(terms, bins, -(length if most == 1 else length // least * least))
            rows.at_most(terms, 0)
        return []
    kinds = sorted(wanted, key=lambda kind: kind.rank)
    return _cut(
        rows, bins, most, wanted, [{kind: way.get(size(kind), 0) for kind in kinds} for way in cuttings(length, sizes)]
    )


def _cut(rows: IntegerProgramme, bins: Terms, most: int, wanted: Wanted, ways: Sequence[Cut]) -> list[tuple[Cut, int]]:
    """Each bin is cut in one of the ways, and together they give the slots that are wanted."""
    cut = [rows.variable(most) for _ in ways]
    rows.at_most({**dict.fromkeys(cut, 1), **{variable: -times for variable, times in bins.items()}}, 0)
    for kind, variables in wanted.items():
        terms = Adding()
        _add(terms, variables, 1)
        for variable, way in zip(cut, ways, strict=True):
            terms.add(variable, -way.get(kind, 0))
        rows.at_most(terms, 0)
    return list(zip(ways, cut, strict=True))


def _add(terms: Adding, more: Terms, times: int) -> None:
    for variable, coefficient in more.items():
        terms.add(variable, coefficient * times)
