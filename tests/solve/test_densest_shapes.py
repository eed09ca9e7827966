"""Layouts of loads far beyond very many GPUs, and what bounds the largest load: held to all layouts."""

from dataclasses import replace
from itertools import pairwise

import pytest

from planner.request import Request
from planner.solve.load_knob import load_knob, nearly_most
from planner.solve.problem import Problem, read_problem

ABSURD = 10**9


def asked(on: str, model: str = "llama-3.1-8b", **load: float) -> Problem:
    workload = {"context": 8192, **load}
    return read_problem(Request.parse({"models": [{"model": model, "workload": workload}], "on": on}))


@pytest.mark.parametrize("load", [{"concurrency": ABSURD}, {"requests_per_second": ABSURD}])
def test_the_densest_layouts_carry_nearly_what_all_do(load: dict[str, float]) -> None:
    problem = asked("200x8xH100-SXM,300x4xL40S,150x2xL4", "llama-3.3-70b", **load)
    assert problem.far
    dense, knob = replace(problem, dense=True), load_knob(problem.request.models[0].workload)
    most, nearly = nearly_most(problem, 0, knob).guess, nearly_most(dense, 0, knob).guess
    assert 0.99 * most <= nearly <= most
    assert len(dense.shapes[0].fitting) < len(problem.shapes[0].fitting) / 3


def test_only_loads_far_beyond_very_many_gpus_are_looked_for_so() -> None:
    assert not asked("200x8xH100-SXM", concurrency=1000).far
    assert not asked("2x8xH100-SXM", concurrency=ABSURD).far


def test_a_checkpoint_that_names_no_cache_type_is_told_far_by_sixteen_bits() -> None:
    problem = asked("200x8xH100-SXM", "deepseek-v3", concurrency=10**6)
    assert problem.far and not problem.beyond_a_part(10)
    assert not asked("200x8xH100-SXM", "deepseek-v3.2", concurrency=10**6).far


@pytest.mark.parametrize("model", ["llama-3.1-8b", "gemma-3-12b", "qwen3-30b-a3b"])
def test_layouts_made_for_more_sequences_carry_no_more(model: str) -> None:
    problem = asked("1x2xL40S,1x1xA100-40GB", model, concurrency=ABSURD)
    held = [
        {(shape.label, shape.sites): shape.bill.sequences for shape in lean.shapes[0].fitting}
        for lean in (replace(problem, lean=(0, few)) for few in (3, 40, 200))
    ]
    for few, many in pairwise(held):
        assert many and all(few.get(layout, 0) >= sequences for layout, sequences in many.items())


def test_more_sequences_than_engines_run_at_once_are_told_without_a_layout() -> None:
    problem = asked("4xL4", concurrency=10**6, context=16)
    assert problem.out_of_reach and "_priced" not in vars(problem)
    assert not asked("4xL4", concurrency=1000, context=16).out_of_reach


def test_whether_a_model_runs_at_all_is_asked_of_the_largest_nodes_first() -> None:
    problem = replace(asked("200x8xH100-SXM,300x4xL40S", "llama-3.3-70b"), dense=True)
    assert problem.feasible and "shapes" not in vars(problem) and "_priced" not in vars(problem)
    on_few = replace(asked("200x8xH100-SXM,300x4xL40S", "llama-3.3-70b", concurrency=ABSURD), dense=True)
    assert not on_few.feasible


def test_of_experts_their_shares_are_tried_before_whole_ones() -> None:
    problem = replace(asked("200x8xH100-SXM", "qwen3-30b-a3b", concurrency=ABSURD), dense=True)
    held = {shape.layout.label() for shape in problem.shapes[0].fitting}
    assert held and not any("EP" in label for label in held)
