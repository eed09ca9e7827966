"""A plan near the cheapest on very many GPUs: most of what fractions of replicas take stays, the rest is solved for."""

from collections.abc import Sequence
from math import ceil, floor

from planner.solve import mathopt_solver
from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.linear_relaxation import Relaxed
from planner.solve.mathopt_model import TOLERANCE
from planner.solve.mathopt_solver import BOUND_DIGITS
from planner.solve.outcome import Effort, Outcome

_GIVEN_BACK = 0, 8
"""Of the whole part of each amount, so many may be given back: none first, which is soon solved, then a few."""
_NODES = 20
"""Nodes of the search tree: what few give back is found at its root or hardly ever."""
_FINE = 2e-3
"""The gap to what so many may give back at which the search for it ends."""


def near_fractions(
    programme: IntegerProgramme, objective: Terms, relaxed: Relaxed, hint: Sequence[int] = ()
) -> Outcome | None:
    """Return the best plan found near the fractions, with their value as its bound.

    None where none was found, and where no amount is large. Of hundreds of copies of a layout all but a few are as good
    in any plan near the fractions: what is left to choose is a small programme.
    """
    if relaxed.amounts.max(initial=0.0) <= max(_GIVEN_BACK):
        return None
    best: Outcome | None = None
    for given_back in _GIVEN_BACK:
        near = programme.copy()
        for variable, amount in enumerate(relaxed.amounts):
            if (least := floor(amount + TOLERANCE) - given_back) > 0:
                near.at_least({variable: 1}, least)
        begun = best.values if best and best.values else hint
        found = mathopt_solver.minimise(near, objective, Effort(gap=_FINE), nodes=_NODES, hint=begun)
        if found.values is not None and (best is None or found.value < best.value):
            best = found
    if best is None:
        return None
    bound = ceil(relaxed.value - abs(relaxed.value) * BOUND_DIGITS)
    return Outcome(best.values, best.value, min(bound, best.value), best.value <= bound, best.solver)
