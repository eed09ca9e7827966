"""Many models on thousands of nodes: a bound by decomposition, and a plan within a small gap of it."""

from collections.abc import Iterable
from dataclasses import replace

from planner.solve.clock import Clock
from planner.solve.decomposition import Decomposition
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.linear_relaxation import linear_relaxation
from planner.solve.load_block import load_blocks
from planner.solve.noted_interrupt import noted_interrupt
from planner.solve.outcome import Effort, Outcome
from planner.solve.outline import Outline
from planner.solve.reopening import Reopening
from planner.solve.shared_rows import SharedRows

NAME = "decomposition with MathOpt/SCIP and CP-SAT"
GAP = 5e-4
"""At this share of the value the gap of a large fleet's plan is small enough, unless a larger one is."""


def minimise(
    programme: IntegerProgramme,
    objective: Terms,
    load_rows: Iterable[int],
    effort: Effort,
    sketch: Outline | None = None,
) -> Outcome:
    """Minimise the objective to within the gap; the bound is proven whether or not a plan was found.

    With a `sketch` plans are looked for in that outline of the programme. Ctrl-C returns the best plan so far.
    """
    clock = Clock(replace(effort, gap=max(effort.gap, GAP)))
    with noted_interrupt(effort):
        return _minimise(programme, objective, load_rows, clock, sketch)


def _minimise(
    programme: IntegerProgramme, objective: Terms, load_rows: Iterable[int], clock: Clock, sketch: Outline | None
) -> Outcome:
    relaxed = linear_relaxation(programme, objective)
    if relaxed is None:
        return Outcome(None, 0, 0, complete=True, solver=NAME)
    blocks = load_blocks(programme, load_rows)
    rows = SharedRows(programme, objective, blocks)
    decomposition = Decomposition(blocks, rows, relaxed.value, rows.prices(relaxed.duals))
    decomposition.improve(clock.effort.gap, clock)
    search = Reopening(programme, objective, clock, decomposition, sketch)
    search.run()
    value, bound = search.value, search.bound
    if search.values is not None:
        bound = min(bound, value)
    return Outcome(search.values, value, bound, search.near_enough, NAME)
