"""Plans whose objective is a speed: the soonest answers, the most tokens."""

from itertools import combinations_with_replacement

import pytest

from planner import check, plan
from planner.plan_document import Plan
from planner.request import ModelRequest, Request
from planner.solve.plan import answer
from planner.solve.problem import read_problem
from planner.workload import Workload

LOAD = Workload(context=4096, concurrency=40, input_tokens=1000, output_tokens=200)


def _plan(objective: str, on: str, **rules: int) -> Plan:
    return plan("llama-3.1-8b", on, workload=LOAD, objective=objective, rules=rules)  # type: ignore[arg-type]


def test_no_plan_answers_a_millisecond_sooner() -> None:
    found = _plan("latency", "4xA100-80GB")
    assert (found.status, check(found)) == ("optimal", [])
    assert found.objective.name == "latency" and found.objective.value is not None

    def feasible(milliseconds: float) -> bool:
        load = LOAD.model_copy(update={"answer_ms": milliseconds})
        return read_problem(
            Request(models=[ModelRequest(model="llama-3.1-8b", workload=load)], on="4xA100-80GB")
        ).feasible

    assert feasible(found.objective.value)
    assert not feasible(found.objective.value - 1)


def test_the_soonest_answers_are_given_by_the_cheapest_plan_that_gives_them() -> None:
    soonest = _plan("latency", "8xA100-80GB")
    target = LOAD.model_copy(update={"answer_ms": soonest.objective.value})
    assert plan("llama-3.1-8b", "8xA100-80GB", workload=target).gpus_used == soonest.gpus_used
    assert soonest.gpus_used > plan("llama-3.1-8b", "8xA100-80GB", workload=LOAD).gpus_used


def test_a_replica_answers_within_the_time_asked_for() -> None:
    load = LOAD.model_copy(update={"answer_ms": 2500.0})
    found = plan("llama-3.1-8b", "8xA100-80GB", workload=load)
    for replica in found.deployments[0].replicas:
        assert replica.speed is not None
        assert replica.speed["ttft_ms"] + 199 * replica.speed["tpot_ms"] <= 2500 * 1.001


def test_the_most_tokens_are_those_of_the_best_mixture_of_replicas() -> None:
    on = "3xA100-80GB"
    found = _plan("throughput", on)
    load = LOAD.model_copy(update={"tokens_per_second": 1.0})
    request = Request(models=[ModelRequest(model="llama-3.1-8b", workload=load)], on=on)
    shapes = read_problem(request).shapes[0].fitting
    best = max(
        sum(shape.capacity["tokens"] for shape in mixture)
        for copies in (1, 2, 3)
        for mixture in combinations_with_replacement(shapes, copies)
        if sum(shape.gpus for shape in mixture) <= 3 and sum(shape.capacity["sequences"] for shape in mixture) >= 40
    )
    assert found.objective.value == pytest.approx(best / 1000, abs=1e-3)
    assert (found.status, check(found)) == ("optimal", [])


def test_fewer_gpus_never_yield_more_tokens() -> None:
    values = [_plan("throughput", "4xL40S", max_gpus=most).objective.value or 0.0 for most in (1, 2, 4)]
    assert values == sorted(values) and values[0] < values[2]


def test_loads_of_all_models_are_carried_before_what_is_left_goes_to_the_most_tokens() -> None:
    models = [
        ModelRequest(model="llama-3.1-8b", workload=LOAD),
        ModelRequest(model="qwen3-32b", workload=LOAD.model_copy(update={"tokens_per_second": 200.0})),
    ]
    found = answer(Request(models=models, on="4xH100-SXM", objective="throughput"))
    assert check(found) == []
    tokens = [sum(r.capacity.tokens_per_second or 0.0 for r in d.replicas) for d in found.deployments]
    assert tokens[1] >= 200
    assert found.objective.value == pytest.approx(sum(tokens), rel=1e-4)


def test_a_load_that_cannot_be_carried_is_explained_under_any_objective() -> None:
    for objective in ("latency", "throughput"):
        found = plan("llama-3.1-70b", "1xL4", context=4096, objective=objective)  # type: ignore[arg-type]
        assert found.status == "infeasible" and found.explanation


def test_of_plans_with_as_many_gpus_the_one_that_answers_sooner_is_taken() -> None:
    found = plan("qwen3-32b", "4xA100-80GB", context=16384, concurrency=8)
    (replica,) = found.deployments[0].replicas
    assert (found.gpus_used, replica.layout.label()) == (2, "TP2")


@pytest.mark.parametrize(
    ("model", "engine", "on", "objective"),
    [
        ("qwen3-30b-a3b", "vllm", "4xL40S,2xRTX-3090", "throughput"),
        ("qwen3.5-35b-a3b", "sglang", "5xL4,3xA10G", "latency"),
    ],
)
def test_speed_is_that_over_the_network_of_the_nodes(model: str, engine: str, on: str, objective: str) -> None:
    """Also where the request itself names no target: stages on several nodes were priced at a whole node's network."""
    wanted = {"model": model, "engine": engine, "workload": {"context": 4096, "concurrency": 8}, "least_replicas": 1}
    if objective == "throughput":
        wanted |= {"workload": {"context": 8192, "concurrency": 1}, "least_replicas": 2}
    found = answer(Request.parse({"models": [wanted], "on": on, "objective": objective}, where="request"))
    assert (found.status, check(found)) == ("optimal", [])
