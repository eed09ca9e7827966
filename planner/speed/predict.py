"""Predict the speed of one replica: the room's front door."""

from collections.abc import Sequence
from dataclasses import replace

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import generation
from planner.speed.arrivals import in_flight, open_loop
from planner.speed.capacity import batch_job, most_in_flight, saturation
from planner.speed.provenance import error_band, provenance
from planner.speed.replica import Replica, replica
from planner.speed.room import Room, room
from planner.speed.speed import TAIL, Speed
from planner.speed.steady_state import Steady, closed_loop
from planner.speed.targets import Targets, targets, times
from planner.speed.traffic import Traffic, traffic
from planner.workload import Workload


def predict(
    model: Model,
    layout: Layout,
    sites: Sequence[Site],
    engine: Engine | str,
    workload: Workload,
    *,
    replicas: int = 1,
    at_least: int = 0,
) -> Speed:
    """Return the speed of one replica that takes its part of the workload.

    `sites` holds the place of each pipeline stage (or one for all). With `requests_per_second` the
    requests arrive by chance at that rate, with `total_requests` all are there at the start, else
    `concurrency` of them are always in flight; all over `replicas` equal copies. `at_least` sequences are
    known to fit, whatever the memory bill says (a measured run). Raises BadInput when a
    GPU's bandwidth is unknown or nothing fits.
    """
    profile = find_engine(engine) if isinstance(engine, str) else engine
    load = traffic(workload)
    made, space = _machine(model, layout, sites, profile, load, at_least)
    state, notes = _state(made, load, space, workload, replicas)
    return _speed(made, layout, sites, profile.name, load, space, workload, state, notes)


def carried(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, workload: Workload
) -> tuple[float, float]:
    """Return the requests a second that one replica answers within the targets, and how many are then in flight.

    As `predict` has them, without a look at the load's own state; raises BadInput as it does.
    """
    load = traffic(workload)
    made, space = _machine(model, layout, sites, engine, load, 0)
    return _carried(made, load, space, targets(workload))


def _machine(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, load: Traffic, at_least: int
) -> tuple[Replica, Room]:
    """The replica and its room; raises BadInput where it has none, or a GPU's bandwidth is unknown."""
    for site in sites:
        if not site.gpu.memory_bandwidth_gbps:
            raise BadInput("has no memory bandwidth in the catalogue: speed is unknown", where=site.gpu.slug)
    made = replica(model, layout, sites, generation(engine.name, engine.version))
    space = room(model, layout, sites, engine, load, reserves=made.scheduling.reserves)
    if space.sequences < 1 <= at_least:
        space = replace(space, sequences=float(at_least))
    if space.sequences < 1:
        raise BadInput(f"{model.name} as {layout.label()} holds no sequence of {load.input + load.output:,.0f} tokens")
    return made, space


def _carried(made: Replica, load: Traffic, space: Room, asked: Targets) -> tuple[float, float]:
    """Requests a second within the targets, and how many are then in flight."""
    most = most_in_flight(made, load, space, asked)
    return (closed_loop(made, load, space, most).requests_per_second if most else 0.0), most


def _state(made: Replica, load: Traffic, space: Room, workload: Workload, replicas: int) -> tuple[Steady, list[str]]:
    """The steady state at the workload's own load."""
    rate = workload.requests_per_second
    if workload.total_requests is not None:
        return batch_job(made, load, space, max(1, workload.total_requests // replicas)), []
    if rate is None:
        return closed_loop(made, load, space, max(1.0, workload.concurrency / replicas)), []
    running = in_flight(made, load, space, rate / replicas)
    if running is None:
        return saturation(made, load, space), [f"{rate / replicas:g} requests/s are more than a replica answers"]
    return open_loop(made, load, space, running), []


def _speed(
    made: Replica,
    layout: Layout,
    sites: Sequence[Site],
    engine: str,
    load: Traffic,
    space: Room,
    workload: Workload,
    state: Steady,
    notes: list[str],
) -> Speed:
    full, basis = saturation(made, load, space), provenance(sites, engine)
    asked = targets(workload)
    capacity, most = _carried(made, load, space, asked)
    tokens = state.requests_per_second * load.output
    return Speed(
        ttft_ms=state.ttft * 1000,
        tpot_ms=state.tpot * 1000,
        ttft_p99_ms=(state.ttft + (TAIL - 1) * state.wait) * 1000,
        tpot_p99_ms=max(state.tpot, min(state.slowest, 2 * state.tpot)) * 1000,
        output_tokens_per_s=tokens,
        tokens_per_s_per_gpu=tokens / layout.gpus,
        prefill_tokens_per_s=load.prompt / state.own,
        batch=state.decoding,
        requests_per_second=capacity,
        in_flight=int(most),
        saturated_output_tokens_per_s=full.requests_per_second * load.output,
        provenance=basis,
        error_band=error_band(basis),
        meets_targets=asked.met_by(times(state.ttft, state.tpot, load)) and not notes,
        assumptions=(*load.assumptions, *notes),
    )
