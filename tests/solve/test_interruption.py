"""Ctrl-C while a solver runs ends the solve, never the program."""

import random
import signal
import threading
from _thread import interrupt_main
from dataclasses import replace

import pytest

from planner.plan_check import check
from planner.request import Request
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.outcome import Effort, Progress, SolverName
from planner.solve.plan_writer import write_plan
from planner.solve.problem import read_problem
from planner.solve.solution import read_solution, solve


def knapsacks() -> tuple[IntegerProgramme, Terms]:
    """A programme that takes minutes to prove: many rows over the same variables, all of about one weight."""
    dice, programme = random.Random(1), IntegerProgramme()
    chosen = [programme.variable(1) for _ in range(200)]
    for _ in range(60):
        programme.at_least({variable: dice.randint(1, 100) for variable in chosen}, 3000)
    return programme, {variable: dice.randint(1000, 5000) for variable in chosen}


@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_the_best_so_far_is_returned(solver: SolverName) -> None:
    """Ctrl-C is pressed once the solver tells how it gets on: SCIP of a first plan, HiGHS of its seconds."""
    programme, objective = knapsacks()
    pressed = threading.Event()

    def press(progress: Progress) -> None:
        if not pressed.is_set() and (solver == "highs" or progress.value is not None):
            pressed.set()
            interrupt_main(signal.SIGINT)

    effort = Effort(seconds=60, watch=press)
    outcome = minimise(programme, objective, effort, solver)
    assert effort.interrupted.is_set() and not outcome.complete
    assert solver == "highs" or outcome.values is not None


@pytest.mark.parametrize("on", ["4xL40S, 2xA100-SXM-80GB", "cloud:aws"])
def test_a_solve_that_was_ended_is_written_at_what_its_replicas_take(on: str) -> None:
    """Its values may count a node or GPUs that no replica uses (seed 19239 of the trial of exports)."""
    wanted = {"model": "llama-3.1-8b", "workload": {"context": 4096, "concurrency": 4}}
    problem = read_problem(Request.parse({"models": [wanted], "on": on}, where="request"))
    best = solve(problem.programme, problem.objective, Effort())
    ended = replace(best, value=3 * best.value, bound=0, complete=False)
    assert write_plan(problem, read_solution(problem.programme, best), None).objective.gap == 0
    plan = write_plan(problem, read_solution(problem.programme, ended), None).model_copy(
        update={"request": problem.request}
    )
    scale = MICRO if problem.objective == "cost" else 1
    assert plan.objective.value == pytest.approx(best.value / scale)
    assert plan.status == "feasible" and plan.objective.gap == 1
    assert check(plan) == []
