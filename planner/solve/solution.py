"""A solution of the fleet programme in its own words."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from planner.request import Minimised
from planner.solve import large_fleet
from planner.solve.cutting import Cut
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.keeping import Kept
from planner.solve.lexicographic import minimise_in_turn
from planner.solve.objectives import first_objective, objectives
from planner.solve.outcome import Effort, Outcome, SolverName
from planner.solve.outline import outline
from planner.solve.shape import Shape
from planner.solve.taken import SharedPool, Taken


@dataclass(frozen=True)
class Solution:
    """Replicas of each shape, slots taken and nodes in use of each class, pools cut in each way; and the proof.

    `shared` counts the GPUs that are shared out, `shared_cuts` those that are in each way.
    """

    replicas: tuple[tuple[Shape, int], ...]
    taken: dict[Taken, int]
    nodes: tuple[int, ...]
    cuts: dict[tuple[int, int], list[tuple[Cut, int]]]
    outcome: Outcome
    kept: tuple[Kept, ...] = ()
    shared: dict[SharedPool, int] = field(default_factory=dict)
    shared_cuts: dict[SharedPool, list[tuple[Cut, int]]] = field(default_factory=dict)


MANY_SHAPES = 1000
"""From so many shapes on HiGHS is ahead of SCIP (`benchmarks/scale.md`)."""
MANY_LOADS = 8
"""With so many shapes, from so many loads on the decomposition is ahead of both."""


def solve(programme: FleetProgramme, objective: Minimised, effort: Effort, solver: SolverName | None = None) -> Outcome:
    """Solve for the objective and its tie-breaks; unless a solver is named, with the one that suits the size.

    Plans of large fleets are within a small gap of the bound, where ties have no meaning.
    """
    many = len(programme.shapes) >= MANY_SHAPES
    if solver is None and many and len(programme.load_rows) >= MANY_LOADS:
        first = first_objective(programme, objective)
        loads = programme.load_rows.values()
        outcome = large_fleet.minimise(programme.rows, first, loads, effort, outline(programme, first))
        if outcome.values is not None or outcome.complete or effort.interrupted.is_set():
            return outcome
    chosen = solver or ("highs" if many else "scip")
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
        cuts={key: _chosen(ways, values) for key, ways in programme.cuts.items()},
        outcome=outcome,
        kept=tuple(stays for variable, stays in programme.keepers.items() if values[variable]),
        shared={pool: values[variable] for pool, variable in programme.shared.items() if values[variable]},
        shared_cuts={pool: _chosen(ways, values) for pool, ways in programme.shared_cuts.items()},
    )


def _chosen(ways: Sequence[tuple[Cut, int]], values: Sequence[int]) -> list[tuple[Cut, int]]:
    return [(way, values[variable]) for way, variable in ways if values[variable]]
