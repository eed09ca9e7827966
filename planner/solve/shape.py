"""Shapes: a layout on slot kinds, not yet on named devices; memory, speed and capacity known."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from planner.fleet.gpu import Gpu
from planner.fleet.share import PARTS
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.phase import Phase
from planner.solve.kv_way import KvWay
from planner.solve.slot import IslandKind, SlotKind
from planner.solve.variant import Variant


@dataclass(frozen=True, eq=False)
class Shape:
    """One way to run one copy of a model.

    `wanted` is the place of the model in the request. The GPUs of the slots, one slot after the other,
    are the ranks of the replica in order; a slot holds one stage or several, or a part of one. A worker of a pool
    has a `phase`, and the `way` that caches go between its pool and the other one.
    """

    wanted: int
    variant: Variant
    layout: Layout
    slots: tuple[SlotKind, ...]
    sites: tuple[Site, ...]
    bill: Bill
    capacity: Mapping[str, int]
    phase: Phase | None = None
    way: KvWay | None = None

    @cached_property
    def slot_counts(self) -> dict[SlotKind, int]:
        """Slots of each kind."""
        return dict(Counter(self.slots))

    @cached_property
    def islands(self) -> frozenset[IslandKind]:
        """Island kinds of the slots."""
        return frozenset(slot.island for slot in self.slots)

    @cached_property
    def gpus(self) -> int:
        """GPUs of a replica."""
        return self.layout.gpus

    @property
    def parts(self) -> int:
        """Its share of the only GPU it runs on, in parts; 0 for one that has its GPUs to itself."""
        return self.slots[0].share

    @property
    def gpu_kinds(self) -> tuple[Gpu, ...]:
        """GPU kinds of the replica, in the order of its stages."""
        return tuple(dict.fromkeys(site.gpu for site in self.sites))

    @cached_property
    def headroom(self) -> int:
        """Cache bytes beyond what one sequence asks for, summed over the devices."""
        return self.bill.per_device.total(lambda one: one.usable_bytes - one.total_bytes + one.kv_cache_bytes)

    @cached_property
    def stage_weights(self) -> int:
        """Bytes of weights on a rank of each stage together; longer pipelines of such stages hold no fewer."""
        return sum(line.weights_bytes for line in self.bill.per_device.firsts.values())

    @cached_property
    def label(self) -> str:
        """`TP4 PP2 on h100-sxm5-80gb`, with its phase or its share where it has one."""
        phase = f"{self.phase} " if self.phase else ""
        share = f"{self.parts * 100 // PARTS} % of " if self.parts else ""
        return f"{phase}{self.layout.label()} on {share}{' + '.join(gpu.slug for gpu in self.gpu_kinds)}"

    @cached_property
    def rank(self) -> tuple[object, ...]:
        """Order in which shapes are listed: by what they are, never by where they were met."""
        return (
            self.wanted,
            self.gpus,
            self.label,
            tuple(slot.rank for slot in self.slots),
            self.layout.layers_per_stage,
            (self.way.realm, self.way.link, self.way.gbps) if self.way else (),
        )
