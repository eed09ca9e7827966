"""Whether a measured run could have happened as its row says: no step is faster than its bytes and operations allow.

Rows fail where the engine did less than they say (a prefix cache that was hit, drafts that were accepted), where a
load generator counted tokens late, or where a layout is wrong.
"""

from dataclasses import replace
from math import inf

from planner.backtest.speed.row import SpeedRun
from planner.speed.achieved import Host, Machine, generation
from planner.speed.compute_format import UNPACKED, engine_flops
from planner.speed.load import Load
from planner.speed.replica import replica
from planner.speed.room import Room, step_tokens
from planner.speed.steady_state import closed_loop
from planner.speed.traffic import traffic
from planner.speed.work import Kind

_FORMATS = ("bf16", "fp8", "fp4", "int8", UNPACKED)


def impossible(run: SpeedRun) -> str | None:
    """Return why a run at a fixed concurrency was faster than its GPUs can be; None when it was not."""
    times = (run.measured.get("ttft_ms"), run.measured.get("tpot_ms"))
    if run.pools or run.saturated or run.workload.requests_per_second or None in times:
        return None
    ttft, tpot = (float(time or 0) / 1000 for time in times)
    load, in_flight = traffic(run.workload), run.workload.concurrency / run.replicas
    rate = in_flight / (ttft + load.steps * tpot * load.accepted)
    made = replica(run.model, run.layout, run.sites, generation(run.engine.name, run.engine.version))
    links = tuple(replace(site, gbps=inf, next_gbps=inf) for site in made.sites)
    best = replace(made, sites=links, machines=tuple(_perfect(run) for _ in made.machines))
    answering = rate * load.steps * tpot
    if best.step(Load(answering, load.context, drafted=load.drafted)) > tpot * load.accepted:
        return "a token takes less time than its bytes need at full bandwidth"
    space = Room(in_flight, step_tokens(run.layout))
    if closed_loop(best, load, space, in_flight).requests_per_second < rate:
        return "requests take less time than their operations need at full rate"
    return None


def _perfect(run: SpeedRun) -> Machine:
    """A machine at its datasheet's rates that waits for nothing."""
    return Machine(
        reaches={
            fmt: tuple((engine_flops(run.gpu, fmt, half_sums=False), run.gpu.bandwidth) for _ in Kind)
            for fmt in _FORMATS
        },
        floor=0.0,
        imbalance=1.0,
        link_latency=0.0,
        latent_launches=0.0,
        host=Host(0.0, 0.0, 0.0, 0.0),
    )
