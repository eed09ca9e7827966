"""Prefill and decode on workers of their own (DistServe, arXiv 2401.09670; Splitwise, arXiv 2311.18677).

A request waits for a prefill worker, has its prompt computed, and its cache sent to a decode worker, which answers
it without any prompt in the way. In a closed loop of C requests Little's law holds over the whole way,

    C = rate x (wait + prefill + transfer + steps x step(rate x steps x step)),

and what the prefill pool cannot compute, or the decode pool cannot hold, waits. Where a load generator starts all at
once, half of the prompts come before one's own in the first of its rounds, as in `steady_state`. Arrivals by chance
queue for the prefill workers as in the rest of the room (`arrivals`).
"""

from dataclasses import dataclass

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.island import LinkClass
from planner.memory.kv_cache import cache_dtype, state_bytes, token_bytes
from planner.models.model import Model
from planner.speed.collectives import Exchange, exchange_seconds
from planner.speed.pool_basis import pool_band
from planner.speed.provenance import provenance
from planner.speed.room import room
from planner.speed.speed import Speed
from planner.speed.targets import Targets, targets, times
from planner.speed.traffic import Traffic, traffic
from planner.speed.worker_pool import Prefilling, WorkerPool, decoding_step, prefilling
from planner.workload import Workload

_PASSES = 12
_HALVINGS = 12
_CLOSE = 1e-3
_MOST_BUSY = 0.97


@dataclass(frozen=True, slots=True)
class Handling:
    """The mean way of a request, in seconds; `decoding` sequences are being answered at once."""

    wait: float
    ttft: float
    tpot: float
    decoding: float
    requests_per_second: float


class Disaggregated:
    """A prefill pool, a decode pool and the link between them, under one traffic."""

    def __init__(
        self,
        model: Model,
        prefill: WorkerPool,
        decode: WorkerPool,
        engine: Engine,
        load: Traffic,
        link: LinkClass,
        gbps: float,
    ) -> None:
        self.load, self.decode = load, decode
        self.made = decode.written_out(model, engine)
        self.prefilling: Prefilling = prefilling(prefill, prefill.written_out(model, engine), load)
        self.transfer = transfer_seconds(model, prefill, load, link, gbps)
        space = room(model, decode.layout, decode.sites, engine, load, reserves=self.made.scheduling.reserves)
        self.held = float(space.sequences * decode.workers)

    @property
    def way(self) -> float:
        """Seconds to the first token without any waiting."""
        return self.made.host.request + self.prefilling.own + self.transfer

    def step(self, sequences: float) -> float:
        """Seconds of a decoding step."""
        return decoding_step(self.decode, self.made, self.load, sequences)

    def closed_loop(self, concurrency: float) -> Handling:
        """Return the state with so many requests always in flight."""
        decoding = min(concurrency, self.held)
        found = 0.5 / self.load.rounds * max(0.0, concurrency - 1) / self.prefilling.per_second
        rate = 0.0
        for _ in range(_PASSES):
            answering = self.load.steps * self.step(decoding)
            rate = min(concurrency / (self.way + found + answering), self.prefilling.per_second)
            decoding = min((decoding + rate * answering) / 2, self.held)
        step = self.step(decoding)
        if self.load.steps:
            rate = min(rate, self.held / (self.load.steps * step))
        wait = max(0.0, concurrency / rate - self.way - self.load.steps * step)
        return self._handling(wait, step, decoding, rate)

    def open_loop(self, rate: float) -> Handling | None:
        """Return the state under arrivals by chance; None when they are more than the pools take."""
        busy = rate / self.prefilling.per_second
        if busy > _MOST_BUSY:
            return None
        decoding = self._answered(rate)
        if decoding is None:
            return None
        wait = busy / (1 - busy) / self.prefilling.per_second / 2
        return self._handling(wait, self.step(decoding), decoding, rate)

    def _answered(self, rate: float) -> float | None:
        """Return the sequences that decode at once under a rate, by Little's law; None when the pool holds fewer.

        The time of a step is nearly a line in the sequences, so that false position (Illinois) needs few steps.
        """

        def more(sequences: float) -> float:
            return rate * self.load.steps * self.step(sequences) - sequences

        low, high, below, above = 1.0, self.held, more(1.0), more(self.held)
        if above > 0:
            return None
        if below <= 0:
            return 1.0 + below
        side = 0
        for _ in range(_PASSES):
            middle = low + below * (high - low) / (below - above)
            found = more(middle)
            if abs(found) < _CLOSE * middle:
                return middle
            if found > 0:
                low, below, above = middle, found, above / 2 if side > 0 else above
                side = 1
            else:
                high, above, below = middle, found, below / 2 if side < 0 else below
                side = -1
        return high

    def capacity(self, asked: Targets) -> float:
        """Return the most requests a second within targets for the means; 0 when none are."""
        low, high = 0.0, _MOST_BUSY * self.prefilling.per_second
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            state = self.open_loop(middle)
            within = state and asked.met_by(times(state.ttft, state.tpot, self.load))
            low, high = (middle, high) if within else (low, middle)
        return low

    def _handling(self, wait: float, step: float, decoding: float, rate: float) -> Handling:
        return Handling(wait, self.way + wait, step / self.load.accepted, decoding, rate)


def predict_disaggregated(
    model: Model,
    prefill: WorkerPool,
    decode: WorkerPool,
    engine: Engine | str,
    workload: Workload,
    *,
    link: LinkClass = LinkClass.NETWORK,
    gbps: float = 50.0,
    at_least: int = 0,
) -> Speed:
    """Return the speed of a prefill pool and a decode pool that serve together.

    `link` and `gbps` (a second, direction and GPU) are what caches are sent over: by default InfiniBand NDR, a
    card of 400 Gbit/s a GPU. `at_least` sequences are known to fit the decode pool. Raises BadInput when a GPU's
    bandwidth is unknown or the decode pool holds nothing.
    """
    profile = find_engine(engine) if isinstance(engine, str) else engine
    for site in (*prefill.sites, *decode.sites):
        if not site.gpu.memory_bandwidth_gbps:
            raise BadInput("has no memory bandwidth in the catalogue: speed is unknown", where=site.gpu.slug)
    load = traffic(workload)
    pools = Disaggregated(model, prefill, decode, profile, load, link, gbps)
    pools.held = max(pools.held, float(at_least))
    if pools.held < 1:
        raise BadInput(f"{model.name} as {decode.layout.label()} holds no sequence of {load.context:,.0f} tokens")
    notes: tuple[str, ...] = ()
    state = pools.closed_loop(float(workload.concurrency))
    if workload.requests_per_second:
        open_state = pools.open_loop(workload.requests_per_second)
        if open_state is None:
            notes = (f"{workload.requests_per_second:g} requests/s are more than the pools answer",)
        state = open_state or pools.closed_loop(pools.held)
    return _speed(pools, prefill, profile.name, workload, state, notes)


def _speed(
    pools: Disaggregated,
    prefill: WorkerPool,
    engine: str,
    workload: Workload,
    state: Handling,
    notes: tuple[str, ...],
) -> Speed:
    load, basis = pools.load, provenance((*prefill.sites, *pools.decode.sites), engine)
    asked = targets(workload)
    gpus = prefill.gpus + pools.decode.gpus
    tokens = state.requests_per_second * load.output
    sent = f"caches are sent after the prompt is computed: {pools.transfer * 1000:.3g} ms, not overlapped"
    return Speed(
        ttft_ms=state.ttft * 1000,
        tpot_ms=state.tpot * 1000,
        ttft_p99_ms=(state.ttft + 3.6 * state.wait) * 1000,
        tpot_p99_ms=state.tpot * 1000,
        output_tokens_per_s=tokens,
        tokens_per_s_per_gpu=tokens / gpus,
        prefill_tokens_per_s=load.prompt / pools.prefilling.own,
        batch=state.decoding,
        requests_per_second=pools.capacity(asked),
        in_flight=int(state.decoding),
        saturated_output_tokens_per_s=pools.closed_loop(2 * pools.held).requests_per_second * load.output,
        provenance=basis,
        error_band=pool_band(basis),
        meets_targets=asked.met_by(times(state.ttft, state.tpot, load)) and not notes,
        assumptions=(*load.assumptions, sent, *notes),
    )


def transfer_seconds(model: Model, prefill: WorkerPool, load: Traffic, link: LinkClass, gbps: float) -> float:
    """Return the seconds in which the cache of a prompt goes to its decode worker.

    Every tensor-parallel rank of each stage sends its part over its own link; of the latent cache, which all
    ranks hold whole, one sends all.
    """
    dtype = cache_dtype(prefill.layout.kv_cache_dtype, model.dtype)
    tensor = prefill.layout.tensor_parallel_size
    per_rank = 0.0
    for layer in model.layers:
        if layer.attention:
            seen = min(load.input, layer.attention.window or load.input)
            per_rank += token_bytes(layer.attention, tensor, dtype) * seen
        per_rank += state_bytes(layer, tensor, model.dtype)
    return exchange_seconds(Exchange.send(per_rank / prefill.layout.pipeline_parallel_size, link, gbps))
