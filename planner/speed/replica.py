"""One replica as a machine that makes steps: its stages, their places, and the time of a step."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import Host, Machine, Scheduling, machine, scheduling
from planner.speed.collectives import exchange_seconds
from planner.speed.load import Load
from planner.speed.stage import StageOperators, stage_operators
from planner.speed.step import hand_over, stage_seconds


@dataclass(frozen=True, eq=False)
class Replica:
    """A replica; `groups` is the number of attention groups that share the sequences."""

    stages: tuple[StageOperators, ...]
    sites: tuple[Site, ...]
    machines: tuple[Machine, ...]
    groups: int
    scheduling: Scheduling

    @property
    def host(self) -> Host:
        """Host times of the engine."""
        return self.machines[0].host

    def part(self, load: Load) -> Load:
        """Return the load of one micro-batch of one attention group when the replica carries `load`."""
        parts = self.groups * len(self.stages)
        prefill = load.prefill / parts
        return load._replace(decode=load.decode / parts, prefill=prefill, piece=min(load.piece, prefill))

    def step(self, load: Load) -> float:
        """Seconds between two tokens of a sequence when the whole replica carries `load`.

        Attention groups take equal parts. With p pipeline stages the sequences run as p micro-batches:
        a token passes all stages, and a stage serves one micro-batch at a time, so the slowest sets the
        pace (GPipe, arXiv 1811.06965, without the fill, which continuous batching pays once).
        """
        part = self.part(load)
        busy = [
            stage_seconds(stage, part, site, made)
            for stage, site, made in zip(self.stages, self.sites, self.machines, strict=True)
        ]
        hops = sum(
            exchange_seconds(hand_over(stage, part, site), made.link_latency)
            for stage, site, made in zip(self.stages[:-1], self.sites, self.machines, strict=False)
        )
        return max(sum(busy) + hops, len(busy) * max(busy)) + self.host.step + self.host.sequence * part.decode


def replica(model: Model, layout: Layout, sites: Sequence[Site], engine: str) -> Replica:
    """Write out a replica; `sites` holds the place of each stage, or one for all, `engine` is a generation."""
    places = tuple(sites[stage % len(sites)] for stage in range(layout.pipeline_parallel_size))
    return Replica(
        stages=tuple(stage_operators(model, layout, i, place.gpu) for i, place in enumerate(places)),
        sites=places,
        machines=tuple(machine(place.gpu, engine) for place in places),
        groups=layout.data_parallel_size,
        scheduling=scheduling(engine),
    )
