"""Write the replicas of a plan: their devices, and the bill on exactly those."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from planner.fleet.inventory import Inventory
from planner.fleet.share import in_share, percent_of
from planner.fleet.site import Site
from planner.fleet.stage_site import stage_site
from planner.memory.bill import Bill
from planner.plan_document import Capacity, DeviceLines, ReplicaPlan, StagePlan
from planner.solve.capacity import MILLI, held_sequences
from planner.solve.placement import Placed
from planner.solve.shape import Shape


class ReplicaWriter:
    """Seats replicas on their devices; those of one shape on alike devices are billed once.

    A shape is billed for the worst of the places that its slots may be cut from; its replicas are billed for
    the devices they got.
    """

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory
        self._seated: dict[tuple[int, tuple[Site, ...]], Shape] = {}

    def seated(self, placed: Placed) -> Shape:
        """Return the shape of a replica with the sites and the bill of its devices; one object for alike ones."""
        shape, stages = placed.shape, _stages(placed)
        sites = tuple(
            stage_site(
                self._inventory, stage.devices, shape.layout.stage_tensor(number), after.devices if after else ()
            )
            for number, (stage, after) in enumerate(zip(stages, [*stages[1:], None], strict=True))
        )
        if shape.parts:
            sites = tuple(in_share(site, shape.parts) for site in sites)
        key = id(shape), sites
        if key not in self._seated:
            bill = shape.variant.engine.bill(shape.variant.model, shape.layout, sites)
            self._seated[key] = replace(shape, sites=sites, bill=bill)
        return self._seated[key]


def write_replica(placed: Placed, seated: Shape, speed: dict[str, Any] | None) -> ReplicaPlan:
    """Return a replica, of this predicted speed, as the plan document holds it."""
    return ReplicaPlan(
        phase=seated.phase,
        layout=seated.layout,
        stages=_stages(placed),
        per_device=[DeviceLines(**device.document()) for device in seated.bill.per_device],
        speed=speed,
        capacity=_capacity(seated, seated.bill),
    )


def _capacity(shape: Shape, bill: Bill) -> Capacity:
    rates = {need: shape.capacity[need] / MILLI for need in ("requests", "tokens") if need in shape.capacity}
    return Capacity(
        sequences=0 if shape.phase == "prefill" else held_sequences(shape.layout, bill),
        kv_cache_tokens=bill.kv_cache_tokens,
        requests_per_second=rates.get("requests"),
        tokens_per_second=rates.get("tokens"),
    )


def _stages(placed: Placed) -> list[StagePlan]:
    layout, devices, stages = placed.shape.layout, placed.devices, []
    sites: Sequence[Site] = placed.shape.sites
    for stage in range(layout.pipeline_parallel_size):
        size = layout.stage_gpus(stage)
        mine, devices = devices[:size], devices[size:]
        share = percent_of(placed.shape.parts)
        stages.append(
            StagePlan(devices=mine, gpu=sites[stage].gpu.slug, layers=layout.stage_layers(stage), share_percent=share)
        )
    return stages
