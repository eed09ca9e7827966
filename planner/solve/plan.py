"""The `plan` verb: the cheapest feasible layout of models on an inventory, with proof."""

import time
from pathlib import Path

from planner.layout import Limits
from planner.plan_document import Plan
from planner.request import ModelRequest, ObjectiveName, Request
from planner.solve.outcome import Effort
from planner.solve.plan_writer import write_infeasible, write_plan
from planner.solve.problem import read_problem
from planner.solve.solution import read_solution, solve
from planner.workload import Workload


def plan(
    model: str | Path,
    on: str | Path,
    *,
    workload: Workload | None = None,
    context: int | None = None,
    concurrency: int = 1,
    engine: str = "vllm",
    limits: Limits | None = None,
    objective: ObjectiveName | None = None,
    timed: bool = False,
) -> Plan:
    """Plan one model on one inventory; raises BadInput, never raises for an infeasible request.

    `workload` says it all where `context` and `concurrency` are not enough.
    """
    workload = workload or Workload.parse({"context": context, "concurrency": concurrency}, where="workload")
    wanted = ModelRequest(model=str(model), engine=engine, workload=workload, limits=limits or Limits())
    return answer(Request(models=[wanted], on=str(on), objective=objective), timed=timed)


def answer(request: Request, *, timed: bool = False, effort: Effort | None = None) -> Plan:
    """Answer a request; raises BadInput."""
    started = time.perf_counter()
    problem = read_problem(request)
    outcome = solve(problem.programme, problem.objective, effort or Effort())
    seconds = round(time.perf_counter() - started, 3) if timed else None
    if outcome.values is None:
        return write_infeasible(problem, seconds)
    return write_plan(problem, read_solution(problem.programme, outcome), seconds)
