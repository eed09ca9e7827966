"""Loads far beyond all GPUs: what is turned, what is left out and said, and that each fix works."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from planner.request import Request
from planner.solve.explain.clash import clash
from planner.solve.explain.fixes import fixes
from planner.solve.lexicographic import minimise
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.load_knob import load_knob, most_carried, nearly_most
from planner.solve.outcome import Effort
from planner.solve.plan import answer
from planner.solve.problem import Problem, read_problem

ABSURD = 10**9


def asked(on: str, concurrency: int = ABSURD, model: str = "llama-3.1-8b", **rules: Any) -> Problem:
    whole = {name: rules.pop(name) for name in ("max_gpus",) if name in rules}
    wanted = {"model": model, "workload": {"context": 8192, "concurrency": concurrency}, **rules}
    return read_problem(Request.parse({"models": [wanted], "on": on, **whole}))


def guessed(problem: Problem) -> int:
    return nearly_most(problem, 0, load_knob(problem.request.models[0].workload)).guess


def test_a_load_far_beyond_all_gpus_is_not_turned_again_beside_lighter_types() -> None:
    problem = asked("cloud:aws?gpu=L4")
    places, blamed = clash(problem)
    assert [[*fix.change] for fix in fixes(problem, places, blamed)] == [["models.0.workload.concurrency"]]
    light = problem.request.models[0].model_copy(deep=True)
    light.allow.kv_cache_dtype.append("fp8")
    assert any("not even a tenth of the load" in line for line in answer(problem.request).explanation)
    most = problem.asking(problem.request.model_copy(update={"models": [light]}))
    assert most.beyond_a_part(10) and guessed(most) * 10 < ABSURD


def test_one_part_of_a_load_is_beyond_where_all_of_a_smaller_load_is() -> None:
    problem = asked("2xL4", concurrency=10**6)
    assert problem.beyond_a_part(10) and asked("2xL4", concurrency=10**5).beyond_a_part(1)
    assert not asked("2xL4", concurrency=40).beyond_a_part(1)
    assert not problem.beyond_a_part(1, asked("100000x8xL4").classes)


@pytest.mark.parametrize("rule", [{"survive": "node"}, {"spread": "node"}])
def test_where_many_nodes_count_alone_a_far_load_is_turned_without_pipelines(rule: Mapping[str, str]) -> None:
    problem = asked("12x1xL40S", **rule)
    (fix, *_) = answer(problem.request).fixes
    assert "without pipelines: about" in f"{fix['text']}: {'about' if fix['about'] else ''}"
    value = fix["change"]["models.0.workload.concurrency"]
    shallow = replace(problem, shallow=True)
    knob = load_knob(problem.request.models[0].workload)
    step = 10 ** (len(str(value)) - 3)
    assert shallow.asking(knob.turned(problem.request, 0, value)).feasible
    assert not shallow.asking(knob.turned(problem.request, 0, value + step)).feasible


def test_the_guess_of_a_load_that_must_survive_counts_the_loss_of_each_node() -> None:
    problem = asked("3x1xL40S", concurrency=10, survive="node")
    most = most_carried(problem, 0)
    assert most and most <= guessed(problem) < 1.4 * most
    assert guessed(asked("3x1xL40S", concurrency=10)) > 1.4 * most


def test_fractions_of_packed_replicas_have_no_more_than_a_domain() -> None:
    packed = asked("4x2xL40S", concurrency=10, pack="node")
    one = asked("1x2xL40S", concurrency=10)
    most = {variable: -count for variable, count in packed.programme.carried(0, "sequences").items()}
    relaxed = linear_relaxation(packed.programme.rows, most)
    assert relaxed and -relaxed.value <= 1.05 * (most_carried(one, 0) or 0)
    assert most_carried(packed, 0) == most_carried(one, 0)


def test_where_few_gpus_may_be_used_fixes_are_looked_for_among_layouts_of_as_many() -> None:
    problem = asked("2x4xL40S", max_gpus=2)
    narrow = replace(problem, narrow=True)
    assert max(shape.gpus for shape in problem.shapes[0].fitting) > 2
    assert {shape.gpus for shape in narrow.shapes[0].fitting} == {1, 2}
    turned = [fix for fix in answer(problem.request).fixes if [*fix["change"]] == ["models.0.workload.concurrency"]]
    assert [fix["change"]["models.0.workload.concurrency"] for fix in turned] == [most_carried(problem, 0)]


def test_models_that_do_not_fit_get_gpus_and_a_load_that_these_carry() -> None:
    problem = asked("2xL4", model="llama-3.3-70b")
    places, blamed = clash(problem)
    assert not blamed
    both = [fix for fix in fixes(problem, places, blamed) if len(fix.change) > 1 and "add_nodes" in fix.change]
    less = [fix for fix in both if "models.0.workload.concurrency" in fix.change]
    assert less and all("add_nodes" in fix.change for fix in less)
    for fix in less:
        assert answer(fix.request).status == "optimal"
        carried = fix.change["models.0.workload.concurrency"]
        knob = load_knob(fix.request.models[0].workload)
        assert answer(knob.turned(fix.request, 0, carried + 1)).status == "infeasible"
    entries = answer(problem.request).fixes
    assert len(entries) >= 3 and all(entry.get("usd_per_hour_added") for entry in entries)


def test_a_shorter_context_lifts_the_longest_sequence_of_the_engine() -> None:
    problem = asked("1xL40S", concurrency=40, limits={"max_model_len": 8192})
    places, blamed = clash(problem)
    (fix,) = (fix for fix in fixes(problem, places, blamed) if "models.0.workload.context" in fix.change)
    assert fix.change["models.0.limits.max_model_len"] is None
    changed = problem.request.model_dump()["models"][0]
    changed["workload"]["context"] = fix.change["models.0.workload.context"]
    changed["limits"]["max_model_len"] = None
    assert answer(Request.parse({"models": [changed], "on": "1xL40S"})).status == "optimal"


def test_a_plan_that_was_found_is_known_to_the_same_problem_alone() -> None:
    problem = asked("4xL4", concurrency=10)
    assert problem.found == () and problem.feasible
    again = read_problem(problem.request, known=problem.known)
    assert again.found and not again.programme.rows.broken(again.found)
    assert read_problem(asked("4xL4", concurrency=11).request, known=problem.known).found == ()


def test_on_many_gpus_each_variant_of_a_lone_model_is_asked_alone() -> None:
    def allowed(concurrency: int) -> Problem:
        return asked("150x8xL40S", concurrency, allow={"kv_cache_dtype": ["fp8"], "quantization": ["fp8"]})

    most = most_carried(allowed(1000), 0)
    assert most and not asked("150x8xL40S", most).feasible
    for load in (most, most + 1):
        problem = allowed(load)
        together = minimise(problem.programme.rows, {}, Effort()).values is not None
        assert problem.feasible == together == (load == most)
