"""How the replicas of a model lie over failure domains, as rows: spread, packed, or enough after any loss."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from planner.fleet.share import PARTS
from planner.solve.integer_programme import Adding, IntegerProgramme, Terms
from planner.solve.node_class import NodeClass
from planner.solve.rules import Rules
from planner.solve.shape import Shape
from planner.solve.slot import SlotKind
from planner.solve.taken import Taken


class Covering(Protocol):
    """What is needed of the fleet programme."""

    rows: IntegerProgramme
    rules: Rules
    shapes: Sequence[Shape]
    classes: Sequence[NodeClass]
    needs: Sequence[Mapping[str, int]]
    taken: dict[Taken, int]
    surviving: dict[tuple[int, str], dict[int, Terms]]

    def carried_without(self, place: int, need: str, lost: Mapping[int, Terms]) -> Terms:
        """What the replicas of the model at `place` carry without those of each shape that `lost` counts."""


@dataclass(frozen=True)
class Touching:
    """Replicas of a shape with slots in a domain: `terms` counts them."""

    shape: Shape
    terms: Terms


def lie_in_domains(programme: Covering) -> None:
    """Add the rows for every model whose replicas must lie in some way."""
    rules = programme.rules
    for place, kind in rules.spread.items():
        for touching in _by_domain(programme, place, rules.domains[kind]).values():
            programme.rows.at_most(_sum(touching), 1)
    for place, kind in rules.pack.items():
        _pack(programme, place, rules.domains[kind])
    for place in sorted(rules.survive):
        lost = _by_domain(programme, place, rules.domains["node"])
        for need, asked in programme.needs[place].items():
            for touching in lost.values():
                gone = {id(found.shape): found.terms for found in touching}
                left = programme.carried_without(place, need, gone)
                programme.surviving.setdefault((place, need), {})[len(programme.rows.rows)] = left
                programme.rows.at_least(left, asked)


def _by_domain(programme: Covering, place: int, domains: Sequence[str]) -> dict[str, list[Touching]]:
    """The replicas of a model that touch each domain, shape by shape.

    A replica with several slots lies whole in a domain, where there are slots of all its kinds, or has single slots
    there; either counts once.
    """
    slots: dict[tuple[str, int], dict[SlotKind, Adding]] = {}
    shapes: dict[int, Shape] = {}
    for taken, variable in programme.taken.items():
        shape = taken.tenant.shape
        if shape is not None and shape.wanted == place:
            shapes[id(shape)] = shape
            kinds = slots.setdefault((domains[taken.node_class], id(shape)), {})
            kinds.setdefault(taken.kind, Adding()).add(variable, 1)
    found: dict[str, list[Touching]] = {}
    for (domain, key), kinds in slots.items():
        shape = shapes[key]
        here = terms = Adding({variable: 1 for taken in kinds.values() for variable in taken})
        if len(shape.slots) > 1:
            whole, single = programme.rows.variable(), programme.rows.variable()
            parts = Adding(here)
            parts.add(whole, -len(shape.slots))
            parts.add(single, -1)
            programme.rows.at_most(parts, 0)
            for kind, count in shape.slot_counts.items() if len(shape.slot_counts) > 1 else ():
                programme.rows.at_most({whole: count, **dict.fromkeys(kinds.get(kind, ()), -1)}, 0)
            terms = Adding({whole: 1, single: 1})
        found.setdefault(domain, []).append(Touching(shape, terms))
    return found


def _pack(programme: Covering, place: int, domains: Sequence[str]) -> None:
    """All slots of the model lie in one domain, and take no more parts of GPUs than it has.

    That a domain has no more says nothing new of whole replicas, but much of fractions, by which solvers bound.
    """
    room, taken = Counter[str](), {domain: Adding() for domain in domains}
    for node_class, domain in zip(programme.classes, domains, strict=True):
        room[domain] += node_class.count * len(node_class.example.gpus) * PARTS
    for slot, variable in programme.taken.items():
        if slot.tenant.shape is not None and slot.tenant.shape.wanted == place:
            taken[domains[slot.node_class]].add(variable, slot.kind.share or slot.kind.size * PARTS)
    chosen = Adding()
    for domain, slots in taken.items():
        if slots:
            here = programme.rows.variable(1)
            chosen[here] = 1
            slots.add(here, -room[domain])
            programme.rows.at_most(slots, 0)
    programme.rows.at_most(chosen, 1)


def _sum(touching: Sequence[Touching]) -> Adding:
    total = Adding()
    for found in touching:
        for variable, count in found.terms.items():
            total.add(variable, count)
    return total
