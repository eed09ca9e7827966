"""The objective `throughput`: the most output tokens a second within the targets, then the cheapest plan for them."""

from math import ceil, nextafter

from planner.plan_document import Objective
from planner.request import Request
from planner.solve.capacity import MILLI, needs
from planner.solve.explain.requirement import with_workload
from planner.solve.integer_programme import Adding, Row, evaluate
from planner.solve.lexicographic import minimise
from planner.solve.outcome import Effort
from planner.solve.problem import Problem

_ENDLESS = 1e9


def most_throughput(problem: Problem, effort: Effort) -> tuple[Problem, Objective | None]:
    """Return the problem that asks each model for its part of the most tokens a second, and what was reached.

    The loads of all models are carried first; what the nodes can do beyond them goes where it yields most. No
    objective where the loads cannot be carried.
    """
    places = range(len(problem.request.models))
    asked = [needs(wanted.workload).get("tokens", 1) for wanted in problem.request.models]
    endless = problem.asking(_with_tokens(problem.request, [_ENDLESS] * len(asked)))
    least = problem.asking(_with_tokens(problem.request, [_tokens(amount) for amount in asked]))
    if not all(found.fitting for found in endless.shapes):
        return least, None
    programme, total = endless.programme, Adding()
    rows = programme.rows.copy()
    for place in places:
        carried = programme.carried(place, "tokens")
        rows.rows[programme.load_rows[place, "tokens"]] = Row((), None, None)
        rows.at_least(carried, asked[place])
        for variable, amount in carried.items():
            total.add(variable, -amount)
    outcome = minimise(rows, total, effort)
    if outcome.values is None:
        return least, None
    reached = [evaluate(programme.carried(place, "tokens"), outcome.values) for place in places]
    value, bound = -outcome.value / MILLI, -outcome.bound / MILLI
    objective = Objective(name="throughput", value=value, bound=bound, gap=(bound - value) / value)
    return problem.asking(_with_tokens(problem.request, [_tokens(amount) for amount in reached])), objective


def _with_tokens(request: Request, tokens: list[float]) -> Request:
    for place, amount in enumerate(tokens):
        request = with_workload(request, place, tokens_per_second=amount)
    return request


def _tokens(thousandths: int) -> float:
    """The number of tokens a second of which `needs` makes so many thousandths, and no more."""
    found = thousandths / MILLI
    while ceil(found * MILLI) > thousandths:
        found = nextafter(found, 0.0)
    return found
