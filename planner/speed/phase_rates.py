"""What one worker carries that only prefills or only decodes, within the target of its phase.

Every worker is taken by itself, so that pools of any ratio add up: prompts are dealt out evenly and queue at each
worker as in `disaggregation`, which looks at the pools as a whole. That is the longer wait of the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from planner.engines.profile import Engine
from planner.fleet.island import LinkClass
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.disaggregation import transfer_seconds
from planner.speed.pool_basis import pool_basis
from planner.speed.replica import Replica
from planner.speed.room import running_limit
from planner.speed.speed import TAIL, rounded
from planner.speed.traffic import Traffic
from planner.speed.worker_pool import Prefilling, WorkerPool, decoding_step, prefilling

MOST_BUSY = 0.97
"""Share of the time that a prefill worker may be busy: nearer to 1 the queue has no end."""


@dataclass(frozen=True)
class PrefillWorker:
    """A worker that computes prompts and sends their caches over `link` (`gbps` a second, direction and GPU)."""

    model: Model
    pool: WorkerPool
    engine: Engine
    load: Traffic
    link: LinkClass
    gbps: float

    @cached_property
    def made(self) -> Replica:
        """Its operators."""
        return self.pool.written_out(self.model, self.engine)

    @cached_property
    def prefilling(self) -> Prefilling:
        """How fast it computes prompts."""
        return prefilling(self.pool, self.made, self.load)

    @cached_property
    def transfer(self) -> float:
        """Seconds in which the cache of a prompt is sent."""
        return transfer_seconds(self.model, self.pool, self.load, self.link, self.gbps)

    @property
    def way(self) -> float:
        """Seconds to the first token without any waiting."""
        return self.made.host.request + self.prefilling.own + self.transfer

    def wait(self, rate: float) -> float:
        """Mean seconds that a prompt queues under arrivals by chance (Pollaczek-Khinchine, equal prompts)."""
        busy = rate / self.prefilling.per_second
        return busy / (1 - busy) / self.prefilling.per_second / 2

    def document(self, rate: float) -> dict[str, Any]:
        """Return the `speed` entry of a plan for the worker under its part of a rate, in milliseconds and a second."""
        basis, band = pool_basis(self.pool.sites, self.engine.name)
        return rounded(
            ttft_ms=(self.way + self.wait(rate)) * 1000,
            ttft_p99_ms=(self.way + self.wait(rate) * TAIL) * 1000,
            kv_transfer_ms=self.transfer * 1000,
            prefill_tokens_per_s=self.load.prompt / self.prefilling.own,
            requests_per_second=rate,
            provenance=basis,
            error_band=band,
            assumptions=[*self.load.assumptions],
        )

    def most(self, ttft: float | None, held_tokens: int) -> float:
        """Return the most prompts a second with a mean TTFT in seconds; 0 when even one alone takes longer.

        Their caches, until they are sent, stay within `held_tokens`.
        """
        busy = MOST_BUSY
        if ttft is not None:
            slack = 2 * (ttft - self.way) * self.prefilling.per_second
            if slack <= 0:
                return 0.0
            busy = min(busy, slack / (1 + slack))
        kept = held_tokens / self.load.input / (self.prefilling.own + self.transfer)
        return min(busy * self.prefilling.per_second, kept)


@dataclass(frozen=True)
class DecodeWorker:
    """A worker that answers requests whose caches it is sent."""

    model: Model
    pool: WorkerPool
    engine: Engine
    load: Traffic

    @cached_property
    def made(self) -> Replica:
        """Its operators."""
        return self.pool.written_out(self.model, self.engine)

    @cached_property
    def held(self) -> int:
        """Sequences that run at once."""
        layout, sites, reserves = self.pool.layout, self.pool.sites, self.made.scheduling.reserves
        return running_limit(self.model, layout, sites, self.engine, self.load, reserves=reserves)

    def step(self, sequences: float) -> float:
        """Seconds of a step."""
        return decoding_step(self.pool, self.made, self.load, sequences)

    def rate(self, sequences: float) -> float:
        """Requests a second that are answered with so many in flight (Little's law)."""
        return sequences / (self.load.steps * self.step(sequences))

    def most_sequences(self, tpot: float | None) -> int:
        """Return the most sequences in flight with a mean TPOT in seconds; 0 when even one alone is slower."""
        if tpot is None:
            return self.held
        low, high = 0, self.held + 1
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.step(middle) <= tpot * self.load.accepted else (low, middle)
        return low

    def document(self, rate: float) -> dict[str, Any]:
        """Return the `speed` entry of a plan for the worker under its part of a rate, in milliseconds and a second."""
        basis, band = pool_basis(self.pool.sites, self.engine.name)
        sequences = self.in_flight(rate)
        return rounded(
            tpot_ms=self.step(sequences) / self.load.accepted * 1000,
            output_tokens_per_s=rate * self.load.output,
            batch=sequences,
            requests_per_second=rate,
            provenance=basis,
            error_band=band,
            assumptions=[*self.load.assumptions],
        )

    def in_flight(self, rate: float) -> float:
        """Return the sequences in flight at a rate, by halving: more of them are always answered faster."""
        low, high = 0.0, float(max(1, self.held))
        for _ in range(30):
            middle = (low + high) / 2
            low, high = (low, middle) if middle and self.rate(middle) >= rate else (middle, high)
        return high


def worker(layout: Layout, sites: Sequence[Site]) -> WorkerPool:
    """Return a layout on its sites as a pool of one."""
    return WorkerPool(layout, tuple(sites))
