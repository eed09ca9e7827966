"""Limits that a user fixed are blamed where they stand in the way, and moved no further than they must be."""

from typing import Any

import pytest

from planner.request import Request
from planner.solve.explain.clash import clash
from planner.solve.explain.fixes import fixes
from planner.solve.explain.requirement import with_model
from planner.solve.problem import read_problem

CASES: list[tuple[dict[str, Any], dict[str, Any], set[str], float, float]] = [
    ({"memory_fraction": 0.3}, {}, {"memory_fraction"}, 0.4, -0.01),
    ({"max_num_seqs": 10**7}, {}, {"max_num_seqs"}, 0, 1),
    ({"max_num_batched_tokens": 10**7}, {}, {"max_num_batched_tokens"}, 0, 1),
    ({"max_num_seqs": 4}, {"concurrency": 40}, {"concurrency", "max_num_seqs"}, 40, -1),
]
"""Limits, load, the kinds to blame, the value that would do (0: whatever it is), and a step towards what was asked."""


@pytest.mark.parametrize(("limits", "load", "kinds", "value", "step"), CASES)
def test_a_limit_is_blamed_and_moved_as_far_as_it_must_be(
    limits: dict[str, Any], load: dict[str, Any], kinds: set[str], value: float, step: float
) -> None:
    wanted = {"model": "llama-3.1-8b", "workload": {"context": 4096, **load}, "limits": limits}
    problem = read_problem(Request.parse({"models": [wanted], "on": "2xL4"}))
    assert not problem.feasible
    places, blamed = clash(problem)
    assert {requirement.kind for requirement in blamed} == kinds
    (field,) = limits
    path = f"models.0.limits.{field}"
    (fix,) = (fix for fix in fixes(problem, places, blamed) if path in fix.change)
    assert not value or fix.change[path] == value
    assert read_problem(fix.request).feasible
    nearer = fix.request.models[0].limits.model_copy(update={field: round(fix.change[path] + step, 2)})
    assert not read_problem(with_model(fix.request, 0, limits=nearer)).feasible


BLOCKS = [
    ({"engine": "trtllm"}, 48, {"context": 4096}, {"block_size"}, 32),
    ({}, 256, {"context": 4100, "concurrency": 7}, {"block_size", "concurrency", "context"}, 128),
]
"""TensorRT-LLM's must be a power of two; in blocks of 256 tokens one more than 4,096 takes a block more."""


@pytest.mark.parametrize(("engine", "asked", "load", "kinds", "value"), BLOCKS)
def test_blocks_that_are_to_blame_become_those_nearest_that_will_do(
    engine: dict[str, str], asked: int, load: dict[str, Any], kinds: set[str], value: int
) -> None:
    wanted = {"model": "llama-3.1-8b", "workload": load, "limits": {"block_size": asked}, **engine}
    problem = read_problem(Request.parse({"models": [wanted], "on": "1xL4"}))
    assert not problem.feasible
    places, blamed = clash(problem)
    assert {requirement.kind for requirement in blamed} == kinds
    path = "models.0.limits.block_size"
    (fix,) = (fix for fix in fixes(problem, places, blamed) if path in fix.change)
    assert fix.change[path] == value and f"blocks of {value} tokens instead of {asked}" in fix.text
    assert read_problem(fix.request).feasible


def test_a_limit_that_is_not_in_the_way_is_not_blamed() -> None:
    wanted = {"model": "deepseek-v3", "workload": {"context": 4096}, "limits": {"memory_fraction": 0.9}}
    problem = read_problem(Request.parse({"models": [wanted], "on": "2xL4"}))
    assert clash(problem)[1] == []
