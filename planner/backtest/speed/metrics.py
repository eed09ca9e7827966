"""What a speed run's prediction says for each key that rows of measured runs use, in the key's own unit."""

from collections.abc import Callable
from dataclasses import dataclass

from planner.backtest.speed.pools import predicted_pools
from planner.backtest.speed.row import SpeedRun
from planner.backtest.speed.stream import streams
from planner.speed.predict import predict
from planner.speed.speed import Speed


@dataclass(frozen=True)
class Predicted:
    """A run with its prediction; `tokens_per_s` are output tokens of all copies."""

    run: SpeedRun
    speed: Speed
    tokens_per_s: float

    @property
    def requests_per_s(self) -> float:
        """Requests answered by all copies."""
        return self.tokens_per_s / (self.run.workload.output_tokens or 1)


Metric = Callable[[Predicted], float]

METRICS: dict[str, Metric] = {
    "ttft_ms": lambda p: p.speed.ttft_ms,
    "ttft_median_ms": lambda p: p.speed.ttft_ms,
    "ttft_s": lambda p: p.speed.ttft_ms / 1000,
    "ttft_median_s": lambda p: p.speed.ttft_ms / 1000,
    "ttft_p99_ms": lambda p: p.speed.ttft_p99_ms,
    "ttft_p99_s": lambda p: p.speed.ttft_p99_ms / 1000,
    "tpot_ms": lambda p: p.speed.tpot_ms,
    "tpot_median_ms": lambda p: p.speed.tpot_ms,
    "itl_ms": lambda p: p.speed.tpot_ms,
    "tpot_median_s": lambda p: p.speed.tpot_ms / 1000,
    "tpot_p99_ms": lambda p: p.speed.tpot_p99_ms,
    "tpot_p99_s": lambda p: p.speed.tpot_p99_ms / 1000,
    "output_tokens_per_s_total": lambda p: p.tokens_per_s,
    "output_tokens_per_s_per_gpu": lambda p: p.tokens_per_s / p.run.gpus,
    "output_tokens_per_s_per_user": lambda p: 1000 / p.speed.tpot_ms,
    "request_rate": lambda p: p.requests_per_s,
    "input_tokens_per_s_total": lambda p: p.requests_per_s * (p.run.workload.input_tokens or 0),
    "total_tokens_per_s": lambda p: p.tokens_per_s + p.requests_per_s * (p.run.workload.input_tokens or 0),
    "prefill_tokens_per_s": lambda p: p.speed.prefill_tokens_per_s,
    "e2e_latency_ms": lambda p: p.speed.ttft_ms + p.speed.tpot_ms * ((p.run.workload.output_tokens or 1) - 1),
}


def predict_run(run: SpeedRun) -> Predicted:
    """Predict a run. Under latency targets (MLPerf) a saturated run yields what they leave of it."""
    speed = predict(
        run.model, run.layout, run.sites, run.engine, run.workload, replicas=run.replicas, at_least=_held(run)
    )
    tokens = speed.output_tokens_per_s
    if run.saturated and run.workload.total_requests is None:
        tokens = speed.requests_per_second * (run.workload.output_tokens or 1)
    return Predicted(run, speed, tokens * run.replicas)


def _held(run: SpeedRun) -> int:
    """Sequences that the run is known to have held: those in flight at a stated concurrency, or one."""
    return 1 if run.saturated else max(1, run.workload.concurrency // run.replicas)


def predicted(run: SpeedRun) -> dict[str, float]:
    """Return the prediction for every measured key that has one."""
    if run.pools:
        return {name: value for name, value in predicted_pools(run).items() if name in run.measured}
    alone = {key: predict_run(stream).speed for key, stream in streams(run).items()}
    found = {
        key: speed.prefill_tokens_per_s if key.startswith("p") else 1000 / speed.tpot_ms for key, speed in alone.items()
    }
    others = [name for name in run.measured if name in METRICS and name not in found]
    if others:
        made = predict_run(run)
        found |= {name: METRICS[name](made) for name in others}
    return found
