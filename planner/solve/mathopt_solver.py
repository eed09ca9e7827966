"""MathOpt's mixed-integer solvers (SCIP, HiGHS), which are at their best where demand must be covered."""

import re
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import timedelta
from math import ceil, inf
from time import perf_counter
from typing import Any, Literal

from planner.solve.integer_programme import IntegerProgramme, Terms, evaluate
from planner.solve.interruptible import interruptible
from planner.solve.mathopt_model import TOLERANCE, mathopt_model
from planner.solve.outcome import Effort, Outcome, Progress
from planner.solve.quiet_stderr import quiet_stderr

BOUND_DIGITS = 1e-9
"""Relative error granted to a solver's bound before it is rounded up to a whole number."""
_LOG_ROW = re.compile(r"\|\s*(?P<bound>[-+.e\d]+)\s*\|\s*(?P<value>[-+.e\d]+|--)\s*\|[^|]*\|[^|]*$")
_NO_BOUND = -(10**15)
_NAMES = {"scip": "MathOpt/SCIP", "highs": "MathOpt/HiGHS"}


def minimise(
    programme: IntegerProgramme,
    objective: Terms,
    effort: Effort,
    solver: Literal["scip", "highs"] = "scip",
    *,
    nodes: int | None = None,
    hint: Sequence[int] = (),
    cuts: bool = True,
) -> Outcome:
    """Minimise the objective; the values returned keep every row in exact arithmetic.

    `nodes` limits SCIP's search tree, which ends at the same point on every machine; `hint` are values to start from.
    Without `cuts` no cutting planes are looked for, which take long and raise the bound alone.

    A solver works in floating point and may break a row by its tolerance. Rows that come back broken are
    asked for again, tighter by that tolerance; the bound is always that of the programme as given.
    """
    tight: set[int] = set()
    bound: int | None = None
    while True:
        values, proven, finished = _solve(programme, objective, effort, solver, tight, nodes, hint, cuts)
        bound = proven if bound is None else bound
        if values is None:
            return Outcome(None, 0, bound, finished and not tight, _NAMES[solver])
        broken = {number for number, row in enumerate(programme.rows) if not row.holds(values)}
        if not broken:
            value = evaluate(objective, values)
            bound = min(bound, value)
            return Outcome(values, value, bound, value - bound <= effort.gap * abs(value), _NAMES[solver])
        if broken <= tight:
            return Outcome(None, 0, bound, False, _NAMES[solver])
        tight |= broken


def _solve(
    programme: IntegerProgramme,
    objective: Terms,
    effort: Effort,
    solver: str,
    tight: set[int],
    nodes: int | None,
    hint: Sequence[int],
    cuts: bool,
) -> tuple[tuple[int, ...] | None, int, bool]:
    """Return the values, the bound and whether the solver came to its own end."""
    from ortools.math_opt.python import mathopt

    model, variables, _ = mathopt_model(programme, objective, whole=True, tight=tight)
    start = mathopt.ModelSolveParameters()
    if hint:
        known = {variable: float(value) for variable, value in zip(variables, hint, strict=True)}
        start.solution_hints.append(mathopt.SolutionHint(variable_values=known))
    result = _run(mathopt, model, effort, solver, nodes, start, cuts)
    if result is None:
        return None, _NO_BOUND, False
    reason = result.termination.reason
    finished = reason in (mathopt.TerminationReason.OPTIMAL, mathopt.TerminationReason.INFEASIBLE)
    dual = result.termination.objective_bounds.dual_bound
    bound = _NO_BOUND if dual in (-inf, inf) else ceil(dual - TOLERANCE - abs(dual) * BOUND_DIGITS)
    if not result.has_primal_feasible_solution():
        return None, bound, finished
    found = result.variable_values()
    return tuple(round(found[variable]) for variable in variables), bound, finished


def _run(mathopt: Any, model: Any, effort: Effort, solver: str, nodes: int | None, start: Any, cuts: bool) -> Any:
    """Solve so that the caller can still be interrupted (Ctrl-C); None when it gave up.

    HiGHS neither hears the interrupter nor tells how it gets on: it is left behind, and its seconds are shown.
    """
    from ortools.util.python.solve_interrupter import SolveInterrupter

    started, interrupter = perf_counter(), SolveInterrupter()
    parameters = mathopt.SolveParameters(
        random_seed=1,
        relative_gap_tolerance=effort.gap,
        absolute_gap_tolerance=0.0,
        node_limit=nodes,
        cuts=None if cuts else mathopt.Emphasis.OFF,
        threads=1 if solver == "scip" else None,
        time_limit=None if effort.seconds is None else timedelta(seconds=max(effort.seconds, 0.05)),
    )

    def hear(lines: Sequence[str]) -> None:
        for line in lines:
            if effort.watch and (progress := _read_progress(line, perf_counter() - started)):
                effort.watch(progress)

    def run() -> Any:
        kind = mathopt.SolverType.GSCIP if solver == "scip" else mathopt.SolverType.HIGHS
        hearing = hear if effort.watch and solver == "scip" else None
        with quiet_stderr() if solver == "scip" else nullcontext():
            return mathopt.solve(
                model, kind, params=parameters, model_params=start, msg_cb=hearing, interrupter=interrupter
            )

    def stop() -> bool:
        interrupter.interrupt()
        return solver != "highs"

    def tick() -> None:
        if effort.watch and solver == "highs":
            effort.watch(Progress(None, None, perf_counter() - started))

    return interruptible(run, stop, effort, tick)


def _read_progress(line: str, seconds: float) -> Progress | None:
    """Read a row of SCIP's log, which ends in the bound, the value and the gap."""
    if not (match := _LOG_ROW.search(line)):
        return None
    return Progress(None if match["value"] == "--" else float(match["value"]), float(match["bound"]), seconds)
