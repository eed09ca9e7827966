"""Discrete-event simulation of one replica: requests one by one through continuous batching.

It shares the time of a step with the closed form (`Replica.step`) and nothing else: admission, chunked prefill,
queueing and the mix of lengths are played out, so that what the closed form says of them can be checked.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean, quantiles
from typing import Any

from planner.speed.load import Load
from planner.speed.replica import Replica
from planner.speed.requests import Request
from planner.speed.room import Room

_WARM_UP = 0.2
"""Share of the requests at either end that is left out: the replica fills and empties."""


@dataclass
class Run:
    """A request on its way, in seconds and tokens; `steps` decoding steps answer it after its first token."""

    request: Request
    arrived: float
    steps: float
    computed: float = 0.0
    answered: float = 0.0
    first: float = 0.0
    last: float = 0.0


@dataclass
class Simulation:
    """A replica with its queue. `yields` tokens come from a step of a sequence, which checks `drafted`."""

    replica: Replica
    room: Room
    drafted: float = 1.0
    yields: float = 1.0
    now: float = 0.0
    unlooked: float = 0.0
    """Decoding steps since the engine last looked for new requests."""
    waiting: deque[Run] = field(default_factory=deque)
    running: list[Run] = field(default_factory=list)
    done: list[Run] = field(default_factory=list)
    told: list[tuple[float, float]] = field(default_factory=list)
    """Time and tokens put out until then, after each step."""

    def open_loop(self, requests: Sequence[Request]) -> dict[str, Any]:
        """Play requests out at their own arrival times; returns the summary."""
        ahead = deque(requests)
        while ahead or self.waiting or self.running:
            if not (self.waiting or self.running):
                self.now = max(self.now, ahead[0].arrival)
            while ahead and ahead[0].arrival <= self.now:
                one = ahead.popleft()
                self._arrive(one, one.arrival)
            self._step()
        return self.summary()

    def closed_loop(self, requests: Sequence[Request], concurrency: int) -> dict[str, Any]:
        """Keep `concurrency` requests in flight until all are answered; returns the summary."""
        ahead = deque(requests)
        while ahead or self.waiting or self.running:
            while ahead and len(self.waiting) + len(self.running) < concurrency:
                self._arrive(ahead.popleft(), self.now)
            self._step()
        return self.summary()

    def _arrive(self, one: Request, when: float) -> None:
        self.waiting.append(Run(one, when, max(0.0, one.output - 1) / self.yields))

    def _step(self) -> None:
        """One engine step: every answer grows, and prompts take what the token budget leaves."""
        looks = not self.running or self.unlooked >= self.replica.poll - 1
        while looks and self.waiting and len(self.running) < self.room.sequences:
            self.running.append(self.waiting.popleft())
        answering = [run for run in self.running if run.computed >= run.request.prompt]
        pieces = self._pieces(len(answering))
        self.unlooked = self.replica.poll if pieces else 0.0 if looks else self.unlooked + 1
        if pieces and not self.replica.scheduling.mixes:
            answering = []
        self.now += self.replica.step(self._load(answering, pieces))
        for run, piece in pieces:
            run.computed += piece
            if run.computed >= run.request.prompt:
                run.first = run.last = self.now
        for run in answering:
            run.answered += 1
            run.last = self.now
        before = self.told[-1][1] if self.told else 0.0
        begun = sum(run.first == self.now for run, _ in pieces)
        self.told.append((self.now, before + len(answering) * self.yields + begun))
        for run in [run for run in self.running if run.computed >= run.request.prompt and run.answered >= run.steps]:
            self.running.remove(run)
            self.done.append(run)

    def _pieces(self, answering: int) -> list[tuple[Run, float]]:
        """Prompt tokens of this step, first come first served."""
        budget = self.room.step_tokens - (answering * self.drafted if self.replica.scheduling.mixes else 0.0)
        found = []
        for run in self.running:
            left = run.request.prompt - run.computed
            if left > 0 and budget >= 1:
                piece = min(left, budget)
                found.append((run, piece))
                budget -= piece
        return found

    def _load(self, answering: Sequence[Run], pieces: Sequence[tuple[Run, float]]) -> Load:
        context = fmean(run.request.prompt + run.answered * self.yields for run in answering) if answering else 0.0
        load = Load(float(len(answering)), context, drafted=self.drafted)
        if not pieces:
            return load
        prefill = sum(piece for _, piece in pieces)
        past = sum(run.computed * piece for run, piece in pieces) / prefill
        return load._replace(prefill=prefill, piece=prefill / len(pieces), past=past)

    def summary(self) -> dict[str, Any]:
        """Return means and 99th percentiles in ms, and rates, without the filling and the emptying."""
        ordered = sorted(self.done, key=lambda run: run.arrived)
        cut = int(len(ordered) * _WARM_UP)
        kept = ordered[cut : len(ordered) - cut] or ordered
        request = self.replica.host.request
        ttft = [(run.first - run.arrived + request) * 1000 for run in kept]
        tpot = [(run.last - run.first) / (run.request.output - 1) * 1000 for run in kept if run.request.output > 1]
        return {
            "requests": len(kept),
            "ttft_ms": fmean(ttft),
            "ttft_p99_ms": _p99(ttft),
            "tpot_ms": fmean(tpot) if tpot else 0.0,
            "tpot_p99_ms": _p99(tpot) if tpot else 0.0,
            "output_tokens_per_s": self._rate(kept),
        }

    def _rate(self, kept: Sequence[Run]) -> float:
        """Tokens a second between the first and the last arrival of the requests that count."""
        start, end = kept[0].arrived, kept[-1].arrived
        window = [(now, tokens) for now, tokens in self.told if start <= now <= end]
        if len(window) < 2 or window[-1][0] == window[0][0]:
            window = [(0.0, 0.0), self.told[-1]]
        return (window[-1][1] - window[0][1]) / (window[-1][0] - window[0][0])


def _p99(values: Sequence[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]
