"""The `plan` verb: the cheapest feasible layout of models on an inventory, with proof."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.layout import Limits
from planner.plan_document import Objective, Plan
from planner.request import ModelRequest, ObjectiveName, Request
from planner.solve.cheapest import cheapest
from planner.solve.context_ceiling import settle_context
from planner.solve.lowest_latency import lowest_latency
from planner.solve.most_throughput import most_throughput
from planner.solve.moves import moves
from planner.solve.node_class import MICRO
from planner.solve.outcome import Effort, Progress
from planner.solve.plan_writer import write_infeasible, write_plan
from planner.solve.problem import Problem, read_problem
from planner.solve.solution import read_solution
from planner.workload import Workload, refuse_longer_requests


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
    effort: Effort | None = None,
    wishes: dict[str, Any] | None = None,
    rules: dict[str, Any] | None = None,
    earlier: Plan | None = None,
) -> Plan:
    """Plan one model on one inventory; raises BadInput, never raises for an infeasible request.

    `workload` says it all where `context` and `concurrency` are not enough. `wishes` are further fields of
    the model's request (allow, nodes, spread, survive ...), `rules` of the whole (max_usd_per_hour ...).
    Of the best plans the one is taken that leaves most of an `earlier` one where it is.
    """
    workload = workload or Workload.parse({"context": context, "concurrency": concurrency}, where="workload")
    wanted = {"model": str(model), "engine": engine, "workload": workload, "limits": limits or Limits()}
    filled = ModelRequest.parse(wanted | (wishes or {}), where="request")
    whole = Request.parse({"models": [filled], "on": str(on), "objective": objective, **(rules or {})}, where="request")
    return answer(whole, timed=timed, effort=effort, earlier=earlier)


def answer(request: Request, *, timed: bool = False, effort: Effort | None = None, earlier: Plan | None = None) -> Plan:
    """Answer a request; raises BadInput.

    Of the best plans it takes the one that leaves most of the weights of an `earlier` plan where they are.

    The effort's seconds count from here. When they end before any plan was found, the first one found is taken.
    """
    started, effort = time.perf_counter(), effort or Effort()
    for wanted in request.models:
        refuse_longer_requests(wanted.workload, wanted.model)
    problem, reached = _settle_speed(settle_context(read_problem(request, earlier)), effort)
    left = None if effort.seconds is None else effort.seconds - (time.perf_counter() - started)
    problem, outcome = cheapest(problem, replace(effort, seconds=left, watch=_watch(problem, effort)))
    seconds = round(time.perf_counter() - started, 3) if timed else None
    if outcome.values is None:
        return write_infeasible(problem, seconds).model_copy(update={"request": request})
    document = write_plan(problem, read_solution(problem.programme, outcome), seconds)
    if earlier is not None:
        document = document.model_copy(update={"moves": moves(earlier, document)})
    if reached is None:
        return document.model_copy(update={"request": request})
    return document.model_copy(update={"objective": reached, "status": "feasible" if reached.gap else document.status})


def _settle_speed(problem: Problem, effort: Effort) -> tuple[Problem, Objective | None]:
    """Make the best speed a part of the request where it is the objective."""
    match problem.request.objective:
        case "latency":
            return lowest_latency(problem)
        case "throughput":
            return most_throughput(problem, effort)
    return problem, None


def _watch(problem: Problem, effort: Effort) -> Callable[[Progress], None] | None:
    """Progress in dollars or GPUs."""
    watch = effort.watch
    if watch is None:
        return None
    scale, unit = (MICRO, "$/h") if problem.objective == "cost" else (1, "GPUs")
    return lambda progress: watch(progress.in_units(scale, unit))
