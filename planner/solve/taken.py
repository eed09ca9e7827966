"""Slots taken: which tenant takes slots of a kind from the nodes of a class."""

from dataclasses import dataclass

from planner.solve.rules import Tenant
from planner.solve.slot import IslandKind, SlotKind


@dataclass(frozen=True)
class Taken:
    """Slots of a kind that a tenant takes from the nodes of a class; pools alike share a number."""

    node_class: int
    pool: int
    kind: SlotKind
    tenant: Tenant


@dataclass(frozen=True)
class SharedPool:
    """GPUs of one island kind that are shared out, in the pools of a number of a node class."""

    node_class: int
    pool: int
    island: IslandKind
