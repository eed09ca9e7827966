"""The outline of a programme lets through every plan of the programme, and says nothing of how nodes are cut."""

from dataclasses import replace

import pytest

from planner.request import ModelRequest, Request
from planner.solve import mathopt_solver
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.outline import outline
from planner.solve.problem import Problem, read_problem
from planner.workload import Workload
from tests.solve.random_instances import instance

MIXED = "8xh100-sxm5-80gb,8xl40s,2x4xl40s"


def fleet() -> Problem:
    """Two loads on nodes of three classes, two of which give the same slots."""
    loads = [("llama-3.1-8b", 200), ("qwen3-30b-a3b", 100)]
    models = [ModelRequest(model=m, workload=Workload(context=8192, concurrency=n)) for m, n in loads]
    return read_problem(Request(models=models, on=MIXED, objective="gpus"))


@pytest.mark.parametrize("seed", range(3000, 3012))
def test_a_plan_of_the_programme_keeps_the_outline(seed: int) -> None:
    programme = instance(seed, models=2, gpus=10).problem().programme
    best = mathopt_solver.minimise(programme.rows, first_objective(programme, "gpus"), Effort())
    sketch = outline(programme, first_objective(programme, "gpus"))
    if best.values is not None and sketch is not None:
        assert not sketch.rows.broken(best.values)


def test_the_outline_of_a_fleet_bounds_the_programme() -> None:
    programme = fleet().programme
    cost = first_objective(programme, "gpus")
    sketch = outline(programme, cost)
    assert sketch is not None
    assert sketch.left_out == {*range(len(programme.rows.upper))} - {*programme.replicas, *programme.nodes}
    whole = mathopt_solver.minimise(programme.rows, cost, Effort(gap=0.2), nodes=100)
    rough = mathopt_solver.minimise(IntegerProgramme(programme.rows.upper, sketch.rows.rows), cost, Effort(), nodes=100)
    assert whole.values is not None and not sketch.rows.broken(whole.values)
    assert rough.bound <= whole.value


def test_where_other_rows_speak_of_cuts_there_is_no_outline() -> None:
    programme = fleet().programme
    cost = first_objective(programme, "gpus")
    programme.rows.at_most({next(iter(programme.taken.values())): 1}, 5)
    assert outline(programme, cost) is None
    spread = fleet()
    models = [model.model_copy(update={"spread": "node"}) for model in spread.request.models]
    programme = read_problem(
        replace(spread, request=spread.request.model_copy(update={"models": models})).request
    ).programme
    assert outline(programme, first_objective(programme, "gpus")) is None
