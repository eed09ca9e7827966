"""One replica as a machine that makes steps: its stages, their places, and the time of a step."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from planner.fleet.share import in_time
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import Host, Machine, Scheduling, machine, scheduling
from planner.speed.collectives import exchange_seconds
from planner.speed.load import Load
from planner.speed.stage import StageOperators, stage_operators
from planner.speed.step import hand_over, head_seconds, layers_seconds

_POLL = "scheduler_recv_interval"
"""SGLang: decoding steps between two looks at the queue of new requests (scheduler_recv_skipper.py)."""
_ANY_LIMITS = {"max_model_len": 1, "max_num_seqs": 1, "max_num_batched_tokens": 1, "memory_fraction": 1.0}
"""Of limits the time of a step depends only through the load."""


@dataclass(frozen=True, eq=False)
class Replica:
    """A replica; `groups` attention groups share the sequences, new requests are looked for every `poll` steps."""

    stages: tuple[StageOperators, ...]
    sites: tuple[Site, ...]
    machines: tuple[Machine, ...]
    groups: int
    scheduling: Scheduling
    poll: float = 1.0

    @property
    def host(self) -> Host:
        """Host times of the engine."""
        return self.machines[0].host

    def part(self, load: Load, batches: float) -> Load:
        """Return the load of the fullest attention group when `load` is cut into `batches` micro-batches.

        Sequences spread evenly over the groups; a prompt stays whole in one of them.
        """
        cut = load.prefill / batches
        decode, prefill = load.decode / batches / self.groups, min(cut, max(cut / self.groups, load.piece))
        piece = min(load.piece, prefill) if prefill else 0.0
        elsewhere = load.tokens / batches - decode * load.drafted - prefill
        return Load(decode, load.context, prefill, piece, load.past, load.drafted, elsewhere)

    def step(self, load: Load) -> float:
        """Seconds between two tokens of a sequence when the whole replica carries `load`.

        With p pipeline stages the sequences run as p micro-batches (as many as there are sequences, if
        fewer): a token passes all stages, and a stage serves one micro-batch at a time, so the slowest
        sets the pace (GPipe, arXiv 1811.06965, without the fill, which continuous batching pays once).
        """
        batches = self.batches(load)
        part = self.part(load, batches)
        busy = self._busy(part)
        return max(sum(busy) + self._hops(part), batches * max(busy)) + self._between(part)

    def batches(self, load: Load) -> float:
        """Micro-batches in flight: at most one a stage, and none without a sequence (a mean, hence no whole number)."""
        pieces = load.prefill / load.piece if load.piece else 0.0
        return min(float(len(self.stages)), max(1.0, load.decode / self.groups + pieces))

    def passing(self, load: Load) -> float:
        """Seconds in which the prompts of `load` pass all stages, until the first token is there.

        The first piece goes from stage to stage, the others follow it at the pace of the slowest.
        """
        part = self.first_piece(load)
        busy = self._busy(part)
        behind = max(0.0, load.prefill / load.piece / self.groups - 1) if load.piece else 0.0
        return sum(busy) + behind * max(busy) + self._hops(part) + self._between(part)

    def first_piece(self, load: Load) -> Load:
        """Return the load of a micro-batch with one piece of a prompt in each group that has any."""
        alone = load._replace(
            decode=load.decode / len(self.stages), prefill=min(load.prefill, load.piece * self.groups)
        )
        return self.part(alone, 1)

    def _busy(self, part: Load) -> list[float]:
        times = {
            kind: layers_seconds(self.stages[place], part, self.sites[place], self.machines[place])
            for kind, place in self._kinds.items()
        }
        busy = [times[kind] for kind in self._kind_of_stage]
        busy[-1] += head_seconds(self.stages[-1], part, self.machines[-1])
        return busy

    @cached_property
    def _kind_of_stage(self) -> tuple[tuple[object, ...], ...]:
        """What the time of each stage's layers depends on beside the load; a kind of GPU has one machine."""
        parts = zip(self.stages, self.machines, self.sites, strict=True)
        return tuple((id(stage.layers), id(made), site.link, site.gbps) for stage, made, site in parts)

    @cached_property
    def _kinds(self) -> dict[tuple[object, ...], int]:
        """A stage of each kind."""
        return {kind: place for place, kind in enumerate(self._kind_of_stage)}

    def _hops(self, part: Load) -> float:
        return sum(
            times * exchange_seconds(hand_over(self.stages[place], part, self.sites[place]), latency)
            for place, latency, times in self._hop_kinds
        )

    @cached_property
    def _hop_kinds(self) -> list[tuple[int, float, int]]:
        """A stage of each kind that hands over alike, the latency of its links, and how many there are."""
        kinds: dict[tuple[Site, float], list[int]] = {}
        for place, (site, made) in enumerate(zip(self.sites[:-1], self.machines, strict=False)):
            kinds.setdefault((site, made.link_latency), []).append(place)
        return [(places[0], latency, len(places)) for (_, latency), places in kinds.items()]

    def _between(self, part: Load) -> float:
        return self.host.step + self.host.sequence * part.decode


def replica(model: Model, layout: Layout, sites: Sequence[Site], engine: str) -> Replica:
    """Write out a replica; `sites` holds the place of each stage, or one for all, `engine` is a generation.

    Layouts that differ only in limits have one replica, so that its steady states are found once.
    """
    return _written_out(model, layout.model_copy(update=_ANY_LIMITS), tuple(sites), engine)


@lru_cache(maxsize=4096)
def _written_out(model: Model, layout: Layout, sites: tuple[Site, ...], engine: str) -> Replica:
    places = tuple(in_time(sites[stage % len(sites)]) for stage in range(layout.pipeline_parallel_size))
    return Replica(
        stages=tuple(stage_operators(model, layout, i, place.gpu) for i, place in enumerate(places)),
        sites=places,
        machines=tuple(machine(place.gpu, engine) for place in places),
        groups=layout.data_parallel_size,
        scheduling=scheduling(engine),
        poll=float(layout.options.get(_POLL, 1)),
    )
