"""Requests played out one by one: what must hold whatever the machine, and the closed form beside it."""

from pathlib import Path
from random import Random
from statistics import fmean

import pytest

from planner.audit.simulated import simulated_plan
from planner.engines import find_engine
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.solve.plan import plan
from planner.speed.achieved import generation
from planner.speed.predict import predict
from planner.speed.replica import replica
from planner.speed.requests import PRESETS, Request, drawn, read_trace
from planner.speed.room import Room
from planner.speed.simulate import simulate
from planner.speed.simulation import Simulation
from planner.workload import Workload

LLAMA = load_model("llama-3.1-8b")
H100, _ = find_gpu("h100-sxm5-80gb")


def played(engine: str = "vllm", source: str = "lengths", **load: float) -> dict:
    profile = find_engine(engine)
    layout = profile.layout(LLAMA, H100, Limits(max_model_len=8192))
    workload = Workload.parse({"input_tokens": 1000, "output_tokens": 200, **load}, where="workload")
    return simulate(LLAMA, layout, [usual_site(H100)], profile, workload, source)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
@pytest.mark.parametrize("load", [{"concurrency": 16}, {"requests_per_second": 5.0}])
def test_the_closed_form_agrees_with_the_simulation(engine, load):
    """Rates within 15 %: both count the same work."""
    ratio = played(engine, **load)["ratio"]
    assert ratio["tpot_ms"] == pytest.approx(1, abs=0.15)
    assert ratio["output_tokens_per_s"] == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_ten_rounds_that_start_at_once_have_their_first_tokens_when_the_simulation_says(engine):
    """As load generators run: mean over all requests, also the first, whose prompts come one after the other.

    Without that start the first token comes (C - 1) / 2 prompts earlier in one of ten rounds.
    """
    profile, concurrency, rounds = find_engine(engine), 32, 10
    layout = profile.layout(LLAMA, H100, Limits(max_model_len=8192))
    load = {"concurrency": concurrency, "input_tokens": 3600, "output_tokens": 450, "rounds": rounds}
    speed = predict(LLAMA, layout, [usual_site(H100)], profile, Workload(**load))
    made = replica(LLAMA, layout, [usual_site(H100)], generation(profile.name, profile.version))
    chance, simulation = Random(1), Simulation(made, Room(float(concurrency), float(layout.max_num_batched_tokens)))
    requests = [Request(0.0, chance.randint(3200, 4000), chance.randint(400, 500)) for _ in range(rounds * concurrency)]
    simulation.closed_loop(requests, concurrency)
    mean = fmean(run.first - run.arrived for run in simulation.done) + made.host.request
    assert speed.ttft_ms / 1000 == pytest.approx(mean, rel=0.3)
    steady = predict(LLAMA, layout, [usual_site(H100)], profile, Workload(**load | {"rounds": None}))
    start = (concurrency - 1) / 2 * 3600 / speed.prefill_tokens_per_s / rounds
    assert speed.ttft_ms - steady.ttft_ms == pytest.approx(start * 1000, rel=0.3)


def test_one_request_at_a_time_waits_for_nobody():
    found = played(concurrency=1)["simulated"]
    assert found["ttft_ms"] == pytest.approx(found["ttft_p99_ms"], rel=1e-3)
    assert found["output_tokens_per_s"] == pytest.approx(200_000 / (found["ttft_ms"] + 199 * found["tpot_ms"]), rel=0.2)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_their_published_means(name):
    """Log-normal draws: the means come out, and the medians lie below them."""
    requests = drawn(*PRESETS[name], 4000, 2.0)
    for lengths, values in zip(
        PRESETS[name], ([r.prompt for r in requests], [r.output for r in requests]), strict=True
    ):
        assert sum(values) / len(values) == pytest.approx(lengths.mean, rel=0.1)
        assert sorted(values)[2000] == pytest.approx(lengths.median, rel=0.1)
    assert requests[-1].arrival == pytest.approx(2000, rel=0.1)


def test_a_trace_file_is_read_in_the_order_of_arrival(tmp_path: Path):
    trace = tmp_path / "trace.csv"
    trace.write_text("arrival_s,ContextTokens,GeneratedTokens\n3.5,10,2\n0.5,20,4\n")
    assert [(r.arrival, r.prompt, r.output) for r in read_trace(trace)] == [(0.5, 20, 4), (3.5, 10, 2)]
    assert played(source=str(trace))["load"] == "0.3333 requests/s"


@pytest.mark.parametrize(
    ("text", "reason"),
    [("a,b\n1,2\n", "no such column"), ("input_tokens,output_tokens\nx,2\n", "line 2"), ("", "no such column")],
)
def test_a_bad_trace_says_what_is_wrong(tmp_path: Path, text, reason):
    trace = tmp_path / "trace.csv"
    trace.write_text(text)
    with pytest.raises(BadInput, match=reason):
        read_trace(trace)


def test_the_replicas_of_a_plan_share_the_load():
    load = Workload(context=4096, input_tokens=500, output_tokens=100, requests_per_second=30.0)
    document = plan("llama-3.1-8b", "4xL40S", workload=load)
    copies = len(document.deployments[0].replicas)
    runs = simulated_plan(document)
    assert len(runs) == 1
    assert float(runs[0]["load"].split()[0]) == pytest.approx(30 / copies, rel=0.01)
