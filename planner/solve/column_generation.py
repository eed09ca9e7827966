"""Large fleets whose layouts are billed only where prices make them worth it (delayed column generation).

Of the pipelines of alike stages the shortest that fits is billed, and tells what longer ones may carry at most. Few
layouts are columns of the programme at first, others wait. The prices of slots that the columns make (Dantzig and
Wolfe, 1960; Gilmore and Gomory, 1961) tell what a cover could want: that is billed and becomes a column, until nothing
else is wanted. The bound counts what still waits as if it carried all that it may, so that it holds for all layouts.
"""

from dataclasses import replace

from planner.solve.candidate_columns import CandidateColumns
from planner.solve.capacity import needs_speed
from planner.solve.clock import Clock
from planner.solve.decomposition import Decomposition
from planner.solve.large_fleet import GAP, NAME
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.load_block import LoadBlock
from planner.solve.noted_interrupt import noted_interrupt
from planner.solve.outcome import Effort, Outcome
from planner.solve.outline import outline
from planner.solve.problem import MANY_LAYOUTS, Problem
from planner.solve.reopening import Reopening, near_loss
from planner.solve.shared_rows import SharedRows
from planner.solve.solution import MANY_LOADS
from planner.solve.uncollected import uncollected

_MOVING = 0.1
"""Part of what a layout in a plan near the bound may make its load dearer, to become a column while prices move."""

_HOPING = 8
"""Rounds of bills at the prices of what layouts promise, before prices follow from what they carry."""


def generates(problem: Problem) -> bool:
    """Whether the layouts of a problem are many, and memory and nodes are all that decides between them."""
    models, rules = problem.request.models, problem.rules
    return (
        len(models) >= MANY_LOADS
        and len(models) * len(problem.ground.slots) >= MANY_LAYOUTS
        and not (rules.tracked or rules.one_for_one or problem.earlier or problem.mixes)
        and all(least <= 1 for least, _ in rules.replicas)
        and all(len(found) == 1 for found in problem.variants)
        and not any(needs_speed(wanted.workload) or wanted.allow.share_gpus for wanted in models)
    )


def generate(problem: Problem, effort: Effort) -> tuple[Problem, Outcome]:
    """Minimise the objective over all layouts to within the gap; return the problem of those that became columns.

    Where these hold no plan, the outcome is not complete.
    """
    with uncollected():
        return _generate(problem, effort)


def _generate(problem: Problem, effort: Effort) -> tuple[Problem, Outcome]:
    clock = Clock(replace(effort, gap=max(effort.gap, GAP)))
    columns = CandidateColumns(problem)
    decomposition = _relaxed(columns, clock.effort.gap)
    if decomposition is None:
        return columns.problem, Outcome(None, 0, 0, complete=False, solver=NAME)
    with noted_interrupt(effort):
        outcome = _solve(columns, decomposition, clock)
    return columns.problem, outcome


def _relaxed(columns: CandidateColumns, gap: float) -> Decomposition | None:
    """Choose columns by the prices of the linear relaxation; None where nothing carries the loads.

    The first prices are those of the layouts that carry most for their slots, as if these carried all that they may.
    """
    relaxed = linear_relaxation(columns.problem.programme.rows, columns.objective)
    if relaxed is None:
        return None
    blocks, rows = _rows(columns)
    hoped = Decomposition(blocks, rows, relaxed.value, rows.prices(relaxed.duals))
    columns.begin(hoped.prove(columns.bill, _MOVING * near_loss(gap, relaxed.value, len(blocks)), _HOPING))
    return hoped.resumed(*_rows(columns))


def _rows(columns: CandidateColumns) -> tuple[list[LoadBlock], SharedRows]:
    blocks = columns.blocks()
    return blocks, SharedRows(columns.problem.programme.rows, columns.objective, blocks)


def _solve(columns: CandidateColumns, decomposition: Decomposition, clock: Clock) -> Outcome:
    gap, taken = clock.effort.gap, True
    while taken and not (clock.ended() or decomposition.near(gap)):
        decomposition.improve(gap, clock)
        taken = columns.take(decomposition.prove(columns.bill, _MOVING * _near(decomposition, gap)))
        if taken:
            decomposition = decomposition.resumed(*_rows(columns))
    if not clock.ended() and columns.take(decomposition.prove(columns.bill, _near(decomposition, gap))):
        decomposition = decomposition.resumed(*_rows(columns))
    programme, objective = columns.problem.programme, columns.objective
    search = Reopening(programme.rows, objective, clock, decomposition, outline(programme, objective))
    search.run()
    bound = search.bound if search.values is None else min(search.bound, search.value)
    return Outcome(search.values, search.value, bound, search.near_enough, NAME)


def _near(decomposition: Decomposition, gap: float) -> float:
    return near_loss(gap, decomposition.bound, len(decomposition.blocks))
