"""Pools: the GPUs of a node that slots are cut from, none of which is in two pools."""

from dataclasses import dataclass
from functools import cached_property

from planner.fleet.island import Island, meshed
from planner.fleet.node import Node
from planner.solve.slot import IslandKind


@dataclass(frozen=True)
class Scope:
    """GPUs of a pool, by index in the node, among which slots of one island kind may lie."""

    kind: IslandKind
    gpus: frozenset[int]


@dataclass(frozen=True)
class Pool:
    """GPUs of one kind in one outermost island. Islands inside it, and fuller GPUs, are further scopes."""

    scopes: tuple[Scope, ...]

    @cached_property
    def gpus(self) -> frozenset[int]:
        """All GPUs of the pool."""
        return frozenset().union(*(scope.gpus for scope in self.scopes))

    @property
    def uniform(self) -> bool:
        """Whether any GPUs of the pool make a slot."""
        return len(self.scopes) == 1

    @cached_property
    def pattern(self) -> tuple[tuple[IslandKind, tuple[int, ...]], ...]:
        """What makes two pools of a node alike: their scopes with the GPUs renumbered from 0."""
        number = {gpu: position for position, gpu in enumerate(sorted(self.gpus))}
        return tuple((scope.kind, tuple(sorted(number[gpu] for gpu in scope.gpus))) for scope in self.scopes)


def pools(node: Node, realm: str = "", *, networked: bool = True) -> list[Pool]:
    """Divide the usable GPUs of a node into pools, by outermost island and GPU kind.

    Without `networked` the network to other nodes is left out of the island kinds, so that nodes which differ in
    nothing else offer the same slots; memory does not ask for it.
    """
    found = []
    for island in node.outermost:
        members = [index for index in island.gpus if index not in node.reserved]
        for slug in dict.fromkeys(node.gpus[index].slug for index in members):
            mine = frozenset(index for index in members if node.gpus[index].slug == slug)
            inner = [i for i in node.islands if set(i.gpus) < set(island.gpus)]
            found.append(Pool(tuple(_scopes(node, island, inner, mine, realm, networked))))
    return found


def _scopes(
    node: Node, outer: Island, inner: list[Island], members: frozenset[int], realm: str, networked: bool
) -> list[Scope]:
    scopes = []
    for island in (outer, *inner):
        inside = members & set(island.gpus)
        if island is not outer and len(inside) < 2:
            continue
        for level in sorted({node.used(index) for index in inside}):
            kind = IslandKind(
                gpu=node.gpus[min(members)],
                link=island.link,
                gbps=island.gbps,
                node_link=outer.link,
                node_gbps=meshed(outer.gbps, outer.seen_pair_gbps, 2),
                network_gbps=node.network_gbps if networked else 0.0,
                used_bytes=level,
                realm=realm,
                pair_gbps=island.seen_pair_gbps,
                inner_peers=_inner_peers(island, inside, inner),
            )
            scopes.append(Scope(kind, frozenset(index for index in inside if node.used(index) <= level)))
    return scopes


def _inner_peers(island: Island, inside: frozenset[int], inner: list[Island]) -> int:
    """The most of these GPUs of an island without peer access that have it over an island inside it."""
    if island.link.peer_access:
        return 0
    within = [inside & set(i.gpus) for i in inner if i.link.peer_access and set(i.gpus) < set(island.gpus)]
    return max((len(gpus) for gpus in within if len(gpus) > 1), default=0)
