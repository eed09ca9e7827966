"""Rates beyond all arithmetic: the bound is above whatever layouts carry, and below what is absurd."""

from planner.fleet.inventory import load_inventory
from planner.request import ModelRequest, Request
from planner.solve.problem import read_problem
from planner.solve.rate_bound import rate_bound, requests_asked
from planner.workload import Workload


def test_the_bound_is_above_every_layout_and_below_the_absurd() -> None:
    load = Workload(context=4096, requests_per_second=1e6)
    problem = read_problem(Request(models=[ModelRequest(model="llama-3.1-8b", workload=load)], on="2x2xL4"))
    (variant,) = problem.variants[0]
    gpu = load_inventory("1xL4").nodes[0].gpus[0]
    for shape in problem.shapes[0].fitting:
        bound = rate_bound(variant, load, [(gpu, shape.gpus)])
        assert bound is not None and shape.capacity["requests"] / 1000 < bound / 4
    whole = rate_bound(variant, load, [(gpu, 4)])
    assert whole is not None and whole < requests_asked(load) and not problem.feasible


def test_tokens_ask_for_requests() -> None:
    assert requests_asked(Workload(output_tokens=100, tokens_per_second=500)) == 5
    assert requests_asked(Workload()) == 0
