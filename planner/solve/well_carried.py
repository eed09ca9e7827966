"""A plan for one load on very many GPUs, where a solver that is asked for any plan at all searches for minutes."""

from planner.solve import mathopt_solver
from planner.solve.fleet_programme import FleetProgramme
from planner.solve.integer_programme import IntegerProgramme
from planner.solve.outcome import Effort

_GAPS = 1e-3, 1e-5
"""How near to the most that can be carried a plan must come: first what is soon found."""


def well_carried(programme: FleetProgramme, rows: IntegerProgramme) -> tuple[int, ...] | None:
    """Return values that keep all rows, none where they are not soon found.

    Near the largest load that GPUs carry hardly any plan carries it. One that carries nearly the most it can is soon
    found without that row, at the root of the search, and carries the load as well.
    """
    if programme.surviving or len(programme.load_rows) != 1:
        return None
    values = mathopt_solver.minimise(rows, {}, Effort(), nodes=1).values
    if values is not None:
        return values
    (((place, need), load_row),) = programme.load_rows.items()
    free = rows.copy()
    del free.rows[load_row]
    most = {variable: -amount for variable, amount in programme.carried(place, need).items()}
    for gap in _GAPS:
        values = mathopt_solver.minimise(free, most, Effort(gap=gap), nodes=1).values
        if values is not None and not rows.broken(values):
            return values
    return None
