"""What the prediction of disaggregated pools, or of one pool alone, says for the keys of its rows."""

from planner.backtest.speed.row import SpeedRun
from planner.speed.disaggregation import predict_disaggregated
from planner.speed.room import room
from planner.speed.traffic import traffic
from planner.speed.worker_pool import WorkerPool, decoding_step, prefilling

_NODE_GPUS = {"gb200": 4, "gb300": 4}
"""GPUs of a node where they are not eight."""


def predicted_pools(run: SpeedRun) -> dict[str, float]:
    """Return times in the keys' units, and rates of each pool: a total, by GPU and by node of that pool."""
    pools = run.pools
    if pools is None:
        return {}
    if pools.prefill and pools.decode:
        speed = predict_disaggregated(
            run.model, pools.prefill, pools.decode, run.engine, run.workload, at_least=run.workload.concurrency
        )
        found = {"ttft_ms": speed.ttft_ms, "tpot_ms": speed.tpot_ms}
        return found | _rates(run, pools.decode, "output", speed.output_tokens_per_s)
    if pools.prefill:
        load = traffic(run.workload)
        alone = prefilling(pools.prefill, pools.prefill.written_out(run.model, run.engine), load)
        return _rates(run, pools.prefill, "input", alone.per_second * load.prompt)
    return _decoding(run, pools.decode) if pools.decode else {}


def _decoding(run: SpeedRun, pool: WorkerPool) -> dict[str, float]:
    load, made = traffic(run.workload), pool.written_out(run.model, run.engine)
    held = room(run.model, pool.layout, pool.sites, run.engine, load, reserves=made.scheduling.reserves).sequences
    sequences = held if run.pools and run.pools.saturated and held else float(run.workload.concurrency)
    step = decoding_step(pool, made, load, sequences)
    rates = _rates(run, pool, "output", sequences * load.accepted / step)
    return rates | {"tpot_ms": step / load.accepted * 1000}


def _rates(run: SpeedRun, pool: WorkerPool, direction: str, tokens: float) -> dict[str, float]:
    per_gpu = tokens / pool.gpus
    node = next((size for name, size in _NODE_GPUS.items() if run.gpu.slug.startswith(name)), 8)
    return {
        f"{direction}_tokens_per_s_total": tokens,
        f"{direction}_tokens_per_s_per_gpu": per_gpu,
        f"{direction}_tokens_per_s_per_node": per_gpu * node,
    }
