"""One replica as a machine that makes steps: its stages, their places, and the time of a step."""

from collections.abc import Sequence
from dataclasses import dataclass

from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import Machine, machine
from planner.speed.load import Load
from planner.speed.stage import StageOperators, stage_operators
from planner.speed.step import hop_seconds, stage_seconds


@dataclass(frozen=True, eq=False)
class Replica:
    """A replica; `groups` is the number of attention groups that share the sequences."""

    stages: tuple[StageOperators, ...]
    sites: tuple[Site, ...]
    machines: tuple[Machine, ...]
    groups: int
    hidden: int

    def step(self, load: Load) -> float:
        """Seconds between two tokens of a sequence when the whole replica carries `load`.

        Attention groups take equal parts. With p pipeline stages the sequences run as p micro-batches:
        a token passes all stages, and a stage serves one micro-batch at a time, so the slowest sets the
        pace (GPipe, arXiv 1811.06965, without the fill, which continuous batching pays once).
        """
        parts = self.groups * len(self.stages)
        share = load._replace(decode=load.decode / parts, prefill=load.prefill / parts)
        share = share._replace(piece=min(share.piece, share.prefill) or 0.0)
        return self._cycle(share)

    def prefill(self, load: Load) -> float:
        """Seconds from the start of a step with prompts in it until their first tokens are there."""
        share = load._replace(decode=load.decode / self.groups / len(self.stages), prefill=load.prefill)
        return self._pass(share)

    def _cycle(self, load: Load) -> float:
        busy = self._busy(load)
        host = self._host(load)
        if len(busy) == 1:
            return busy[0] + host
        hops = sum(hop_seconds(load, self.hidden, site) for site in self.sites[:-1])
        return max(sum(busy) + hops, len(busy) * max(busy)) + host

    def _pass(self, load: Load) -> float:
        hops = sum(hop_seconds(load, self.hidden, site) for site in self.sites[:-1])
        return sum(self._busy(load)) + hops + self._host(load)

    def _busy(self, load: Load) -> list[float]:
        return [
            stage_seconds(stage, load, site, made)
            for stage, site, made in zip(self.stages, self.sites, self.machines, strict=True)
        ]

    def _host(self, load: Load) -> float:
        return self.machines[0].step + self.machines[0].sequence * load.decode


def replica(model: Model, layout: Layout, sites: Sequence[Site], engine: str) -> Replica:
    """Write out a replica; `sites` holds the place of each stage, or one for all."""
    places = tuple(sites[stage % len(sites)] for stage in range(layout.pipeline_parallel_size))
    return Replica(
        stages=tuple(stage_operators(model, layout, i, place.gpu) for i, place in enumerate(places)),
        sites=places,
        machines=tuple(machine(place.gpu, engine) for place in places),
        groups=layout.data_parallel_size,
        hidden=model.hidden_size,
    )
