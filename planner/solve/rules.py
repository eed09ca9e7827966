"""Rules of a request beyond covering the load: who may use which nodes, how much may be spent, how replicas lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from planner.errors import BadInput
from planner.fleet.node import Node
from planner.fleet.node_group import NodeGroup
from planner.fleet.requested_inventory import chosen_by, may_use
from planner.request import Domain, Request
from planner.solve.node_class import NodeClass, micro_dollars
from planner.solve.shape import Shape

MOST_APART, LEAST_APART = 48, 3
"""Rented instances that are told apart where each node counts for itself, and the least of each type; plans say so."""


@dataclass(frozen=True)
class Tenant:
    """Who takes a slot: models that may use these node classes (None: all), or one shape where it matters."""

    classes: frozenset[int] | None = None
    shape: Shape | None = None


@dataclass(frozen=True)
class Rules:
    """What a fleet programme must keep.

    `eligible` holds for each model the places of the node classes it may use (None: all). `budget` is in
    millionths of a dollar an hour. `replicas` bounds the number of copies of each model. `domains` names
    the failure domain of each node class, by kind. The last three tell for each model how its replicas lie.
    """

    eligible: Sequence[frozenset[int] | None]
    budget: int | None = None
    gpus: int | None = None
    replicas: Sequence[tuple[int, int | None]] = ()
    domains: Mapping[Domain, Sequence[str]] = field(default_factory=dict)
    spread: Mapping[int, Domain] = field(default_factory=dict)
    pack: Mapping[int, Domain] = field(default_factory=dict)
    survive: frozenset[int] = frozenset()
    tracked: frozenset[int] = frozenset()

    def tenant(self, shape: Shape) -> Tenant:
        """Who takes the slots of a shape."""
        followed = shape.wanted in self.tracked
        return Tenant(self.eligible[shape.wanted], shape if followed else None)

    @property
    def one_for_one(self) -> frozenset[int]:
        """Models for which the number of replicas matters."""
        return frozenset({place for place, (_, most) in enumerate(self.replicas) if most is not None} | {*self.spread})


def read_rules(request: Request, classes: Sequence[NodeClass]) -> Rules:
    """Return the rules of a request on nodes that are classed by `node_tag`; raises BadInput."""
    if request.max_usd_per_hour is not None and not any(c.example.priced for c in classes):
        expected = "prices in the inventory"
        raise BadInput("cannot be kept", where="request", field="max_usd_per_hour", expected=expected)
    models = list(enumerate(request.models))
    spread = {place: wanted.spread for place, wanted in models if wanted.spread}
    pack = {place: wanted.pack for place, wanted in models if wanted.pack}
    survive = frozenset(place for place, wanted in models if wanted.survive)
    return Rules(
        eligible=[_eligible(request, place, classes) for place, _ in models],
        budget=None if request.max_usd_per_hour is None else micro_dollars(request.max_usd_per_hour),
        gpus=request.max_gpus,
        replicas=[(wanted.least_replicas, wanted.most_replicas) for _, wanted in models],
        domains={kind: [domain_of(c.example, kind) for c in classes] for kind in ("node", "rack", "zone")},
        spread=spread,
        pack=pack,
        survive=survive,
        tracked=frozenset({*spread, *pack}) | survive,
    )


def _eligible(request: Request, place: int, classes: Sequence[NodeClass]) -> frozenset[int] | None:
    wanted = request.models[place]
    if not wanted.nodes and not wanted.exclude_nodes:
        return None
    return frozenset(number for number, c in enumerate(classes) if may_use(request, place, c.example))


def domain_of(node: Node, kind: Domain) -> str:
    """Name of the failure domain of a node; one that names no rack is a rack of its own, and so with zones."""
    return _domain_name(node, kind) or f"node {node.name}"


def _domain_name(node: Node, kind: Domain) -> str | None:
    return {"node": None, "rack": node.rack, "zone": node.zone}[kind] or None


def node_tag(request: Request, node: Node, used: frozenset[str] = frozenset()) -> tuple[object, ...]:
    """What tells nodes apart for the rules of a request, beyond what they are; the `used` ones by name.

    Each choice of nodes counts for itself, so that the same classes serve a request without one of them.
    """
    users = tuple(chosen_by(node, choices) for w in request.models for choices in (w.nodes, w.exclude_nodes) if choices)
    kinds = {kind for wanted in request.models for kind in (wanted.spread, wanted.pack) if kind}
    if any(wanted.survive for wanted in request.models):
        kinds.add("node")
    name = node.name if node.name in used else None
    return (users, name, *(domain_of(node, kind) for kind in sorted(kinds)))


def told_apart(request: Request, groups: Sequence[NodeGroup], used: frozenset[str] = frozenset()) -> list[NodeGroup]:
    """Return the groups, cut where the rules of a request, or an earlier plan that used them, tell nodes apart.

    Where each node counts for itself, only some of the nodes that may be rented are taken.
    """
    kinds = {kind for wanted in request.models for kind in (wanted.spread, wanted.pack) if kind}
    survives = any(wanted.survive for wanted in request.models)
    by_name = any(":" not in choice for w in request.models for choice in (*w.nodes, *w.exclude_nodes))
    found = []
    rented = sum(group.like.offer is not None for group in groups)
    each = max(LEAST_APART, MOST_APART // max(rented, 1))
    for group in groups:
        by_node = survives or any(_domain_name(group.like, kind) is None for kind in kinds)
        if not by_node and not by_name and not any(group.index_of(name) is not None for name in used):
            found.append(group)
            continue
        most = each if by_node and group.like.offer else group.count
        alike: dict[object, list[Node]] = {}
        for index in range(min(group.count, most)):
            node = group.node(index)
            alike.setdefault((node_tag(request, node, used), node.nvlink_domain), []).append(node)
        found += [NodeGroup(nodes[0], len(nodes), names=tuple(n.name for n in nodes)) for nodes in alike.values()]
    return found
