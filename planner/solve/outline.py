"""The outline of a fleet programme: replicas and nodes alone, without the ways to cut nodes.

Most rows and variables of a programme say how each pool is cut and which slots are taken from it. The outline has sums
in their place that no way to cut exceeds: a slot of `size` GPUs counts size // t for each t in turn, and no pool gives
more than its best way does (dual feasible functions: Fekete and Schepers, 2001). It grants a little more than the
programme; its plans can nearly always be cut, and whether one can is decided by the programme itself.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from planner.solve.cutting import cuttings
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.slot import SlotKind

_Count = Callable[[int], int]
_Pool = tuple[int, int]
"""Number of a node class and place of a pool in it."""


@dataclass(frozen=True)
class Outline:
    """`rows` over the variables of the whole programme, numbered as there, of which those `left_out` are in no row."""

    rows: IntegerProgramme
    left_out: frozenset[int]


def outline(programme: FleetProgramme, objective: Terms) -> Outline | None:
    """Return the outline; None where the objective or other rows ask for more than replicas and nodes."""
    told = {*programme.replicas, *programme.nodes}
    rows = IntegerProgramme(list(programme.rows.upper))
    for number, row in enumerate(programme.rows.rows):
        if number not in programme.cutting_rows:
            if any(variable not in told for variable, _ in row.terms):
                return None
            rows.rows.append(row)
    if programme.shared or any(count and variable not in told for variable, count in objective.items()):
        return None
    for kinds, pools in _joined(programme):
        _fit(programme, rows, kinds, pools)
    return Outline(rows, frozenset(range(len(rows.upper))) - told)


def _joined(programme: FleetProgramme) -> Iterable[tuple[Mapping[SlotKind, Terms], list[_Pool]]]:
    """Pools that give slots of the same kinds, with the replicas that need these."""
    groups: dict[_Pool, tuple[set[SlotKind], list[_Pool]]] = {}
    first: dict[SlotKind, _Pool] = {}
    for taken in programme.taken:
        pool = (taken.node_class, taken.pool)
        groups.setdefault(pool, (set(), [pool]))[0].add(taken.kind)
        kinds, pools = groups[pool]
        other, others = groups[first.setdefault(taken.kind, pool)]
        if other is not kinds:
            kinds |= other
            pools += others
            groups |= dict.fromkeys(others, (kinds, pools))
    needed: dict[SlotKind, Adding] = {}
    for shape, variable in zip(programme.shapes, programme.replicas, strict=True):
        for kind, count in shape.slot_counts.items():
            needed.setdefault(kind, Adding()).add(variable, count)
    return [
        ({kind: needed[kind] for kind in kinds}, pools) for kinds, pools in {id(g): g for g in groups.values()}.values()
    ]


def _fit(
    programme: FleetProgramme, rows: IntegerProgramme, kinds: Mapping[SlotKind, Terms], pools: Iterable[_Pool]
) -> None:
    """All slots that are needed, counted in each way, are no more than the nodes in use give."""
    sizes = sorted({kind.size for kind in kinds})
    seen = set()
    for count in _counts(sizes[-1]):
        counted = {kind: count(kind.size) for kind in kinds}
        pattern = tuple(counted.values())
        if pattern in seen or not any(pattern):
            continue
        seen.add(pattern)
        terms = Adding()
        for kind, replicas in kinds.items():
            for variable, times in replicas.items():
                terms.add(variable, counted[kind] * times)
        for number, place in pools:
            pool, times = programme.classes[number].pools[place]
            ways = [way for way, _ in programme.cuts[number, place]]
            if ways:
                most = max(sum(counted[kind] * pieces for kind, pieces in way.items()) for way in ways)
            else:
                cuts = cuttings(len(pool.gpus), sizes)
                most = max((sum(count(size) * pieces for size, pieces in cut.items()) for cut in cuts), default=0)
            terms.add(programme.nodes[number], -most * times)
        rows.at_most(terms, 0)


def _counts(largest: int) -> list[_Count]:
    """Ways to count a slot by its size.

    The last ones leave small slots out and count what leaves no room for more than those as if it took all (Martello
    and Toth, 1990): beside five of eight GPUs there is no room for four.
    """
    return [
        *(lambda size, t=t: size // t for t in range(1, largest + 1)),
        lambda size: min(2, (size - 1) // 2),
        *(
            lambda size, least=least, whole=whole: 0 if size < least else whole if size > whole - least else size
            for whole in range(4, largest + 1, 4)
            for least in range(2, whole // 2 + 1)
        ),
    ]
