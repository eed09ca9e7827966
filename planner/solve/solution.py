"""A solution of the fleet programme in its own words."""

from dataclasses import dataclass

from planner.request import Minimised
from planner.solve.cutting import Cut
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.keeping import Kept
from planner.solve.lexicographic import minimise_in_turn
from planner.solve.objectives import objectives
from planner.solve.outcome import Effort, Outcome, SolverName
from planner.solve.shape import Shape
from planner.solve.taken import Taken


@dataclass(frozen=True)
class Solution:
    """Replicas of each shape, slots taken and nodes in use of each class, pools cut in each way; and the proof."""

    replicas: tuple[tuple[Shape, int], ...]
    taken: dict[Taken, int]
    nodes: tuple[int, ...]
    cuts: dict[tuple[int, int], list[tuple[Cut, int]]]
    outcome: Outcome
    kept: tuple[Kept, ...] = ()


MANY_SHAPES = 1000
"""From so many shapes on HiGHS is ahead of SCIP (`benchmarks/scale.md`)."""


def solve(programme: FleetProgramme, objective: Minimised, effort: Effort, solver: SolverName | None = None) -> Outcome:
    """Solve for the objective and its tie-breaks; unless a solver is named, with the one that suits the size."""
    chosen = solver or ("highs" if len(programme.shapes) >= MANY_SHAPES else "scip")
    return minimise_in_turn(programme.rows, objectives(programme, objective), effort, chosen)


def read_solution(programme: FleetProgramme, outcome: Outcome) -> Solution:
    """Read the values of the variables; raises ValueError when there are none."""
    if outcome.values is None:
        raise ValueError("the outcome has no values")
    values = outcome.values
    return Solution(
        replicas=tuple(
            (shape, values[variable])
            for shape, variable in zip(programme.shapes, programme.replicas, strict=True)
            if values[variable]
        ),
        taken={taken: values[variable] for taken, variable in programme.taken.items() if values[variable]},
        nodes=tuple(values[variable] for variable in programme.nodes),
        cuts={
            key: [(way, values[variable]) for way, variable in ways if values[variable]]
            for key, ways in programme.cuts.items()
        },
        outcome=outcome,
        kept=tuple(stays for variable, stays in programme.keepers.items() if values[variable]),
    )
