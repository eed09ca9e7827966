"""A pool of equal workers that only prefill or only decode, and how fast they do it."""

from dataclasses import dataclass

from planner.engines.profile import Engine
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import generation
from planner.speed.load import Load
from planner.speed.replica import Replica, replica
from planner.speed.room import step_tokens
from planner.speed.traffic import Traffic


@dataclass(frozen=True)
class WorkerPool:
    """`workers` equal copies of a layout; `sites` holds the place of each pipeline stage, or one for all."""

    layout: Layout
    sites: tuple[Site, ...]
    workers: int = 1

    @property
    def gpus(self) -> int:
        """GPUs of all workers."""
        return self.layout.gpus * self.workers

    def written_out(self, model: Model, engine: Engine) -> Replica:
        """Return the operators of one worker."""
        return replica(model, self.layout, self.sites, generation(engine.name, engine.version))


@dataclass(frozen=True, slots=True)
class Prefilling:
    """One prompt alone takes `own` seconds; a pool that is never idle computes `per_second` prompts."""

    own: float
    per_second: float


def prefilling(pool: WorkerPool, made: Replica, load: Traffic) -> Prefilling:
    """Return how fast the workers of a pool prefill: each attention group of a worker has a prompt of its own."""
    tokens = step_tokens(pool.layout) / made.groups / len(made.stages)
    piece = min(load.prompt, float(tokens))
    pieces = load.prompt / piece
    past = load.cached + (load.prompt - piece) / 2
    alone = Load(0.0, 0.0, prefill=piece, piece=piece, past=past)
    all_busy = alone._replace(prefill=piece * made.groups)
    own = made.passing(alone) + (pieces - 1) * made.step(alone)
    return Prefilling(own, pool.workers * made.groups / (pieces * made.step(all_busy)))


def decoding_step(pool: WorkerPool, made: Replica, load: Traffic, sequences: float) -> float:
    """Return the seconds of a step when `sequences` are spread over the workers of a pool."""
    return made.step(Load(max(1.0, sequences / pool.workers), load.context, drafted=load.drafted))
