"""What `--simulate` does: play traffic out on one replica and put it beside the closed form."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.site import Site
from planner.layout import Layout
from planner.models.model import Model
from planner.speed.achieved import generation
from planner.speed.predict import predict
from planner.speed.replica import replica
from planner.speed.requests import PRESETS, Lengths, Request, drawn, read_trace
from planner.speed.room import room
from planner.speed.simulation import Simulation
from planner.speed.traffic import traffic
from planner.workload import Workload

_REQUESTS, _ROUNDS, _MOST = 300, 8, 10_000
_COMPARED = ("ttft_ms", "tpot_ms", "output_tokens_per_s")


def simulate(
    model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, workload: Workload, source: str = "lengths"
) -> dict[str, Any]:
    """Return the simulated speed of one replica, that of the closed form for the same traffic, and their ratio.

    `source` is `lengths` (those of the workload, all equal), a preset of `requests.PRESETS` or a trace file. With
    `requests_per_second` the requests arrive by chance at that rate, else `concurrency` are always in flight; a
    trace with arrival times and no rate keeps its own. Raises BadInput.
    """
    rate, concurrency = workload.requests_per_second, workload.concurrency
    requests = _requests(workload, source, _count(model, layout, sites, engine, workload))
    if rate is None and requests[-1].arrival > requests[0].arrival:
        rate = (len(requests) - 1) / (requests[-1].arrival - requests[0].arrival)
    means = {
        "input_tokens": round(fmean(one.prompt for one in requests)),
        "output_tokens": round(fmean(one.output for one in requests)),
    }
    same = workload.model_copy(
        update=means
        | {"requests_per_second": rate, "equal_lengths": source == "lengths" and not rate, "prefix_hit_rate": 0.0}
    )
    load = traffic(same)
    made = replica(model, layout, sites, generation(engine.name, engine.version))
    space = room(model, layout, sites, engine, load, reserves=made.scheduling.reserves)
    if space.sequences < 1:
        raise BadInput(f"{model.name} as {layout.label()} holds no sequence of {load.input + load.output:,.0f} tokens")
    played = Simulation(made, space, load.drafted, load.accepted)
    found = played.open_loop(requests) if rate else played.closed_loop(requests, concurrency)
    closed = predict(model, layout, sites, engine, same).document()
    form = {name: closed[name] for name in _COMPARED}
    return {
        "source": source,
        "load": f"{rate:.4g} requests/s" if rate else f"{concurrency} in flight",
        **means,
        "simulated": {name: _rounded(value) for name, value in found.items()},
        "closed_form": form,
        "ratio": {name: _rounded(found[name] / form[name]) for name in _COMPARED if form[name]},
    }


def refuse_unknown_traffic(source: str) -> None:
    """Raise BadInput for what is neither lengths, a preset nor a file."""
    if source != "lengths" and source not in PRESETS and not Path(source).exists():
        raise BadInput(f"is {source!r}", field="--simulate", expected=f"lengths, {', '.join(PRESETS)} or a CSV file")


def _count(model: Model, layout: Layout, sites: Sequence[Site], engine: Engine, workload: Workload) -> int:
    """Enough requests that the replica is full most of the time: some rounds of all that are in flight."""
    in_flight = float(workload.concurrency)
    if workload.requests_per_second:
        speed = predict(model, layout, sites, engine, workload)
        answer = (speed.ttft_ms + speed.tpot_ms * traffic(workload).output) / 1000
        in_flight = workload.requests_per_second * answer
    return int(min(_MOST, max(_REQUESTS, _ROUNDS * in_flight)))


def _requests(workload: Workload, source: str, count: int) -> list[Request]:
    rate = workload.requests_per_second
    if source == "lengths":
        load = traffic(workload)
        return drawn(Lengths(load.prompt, load.prompt), Lengths(load.output, load.output), count, rate)
    if source in PRESETS:
        return drawn(*PRESETS[source], count, rate)
    refuse_unknown_traffic(source)
    path = Path(source)
    found = read_trace(path)
    if not found:
        raise BadInput("holds no request", where=path)
    if rate is None:
        return found
    spaced = drawn(Lengths(1, 1), Lengths(1, 1), len(found), rate)
    return [replace(one, arrival=when.arrival) for one, when in zip(found, spaced, strict=True)]


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value
