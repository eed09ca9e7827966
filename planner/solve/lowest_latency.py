"""The objective `latency`: the soonest answers that the load can be given, then the cheapest plan for them."""

from planner.errors import BadInput
from planner.plan_document import Objective
from planner.request import Request
from planner.solve.explain.requirement import with_workload
from planner.solve.explain.search import smallest
from planner.solve.problem import Problem

_LONGEST_MS = 10**8
_GUESS_MS = 4000


def lowest_latency(problem: Problem) -> tuple[Problem, Objective | None]:
    """Return the problem that asks for the soonest answers, and what was reached.

    What is minimised is the mean time from a prompt to the last token of its answer, the longest over all
    replicas of all models, in whole milliseconds: a millisecond less and no plan carries the load. No objective where
    the load cannot be carried at all. Raises BadInput where the speed of every layout is unknown.
    """
    if not problem.feasible:
        return problem, None

    def holds(milliseconds: int) -> bool:
        return problem.asking(_within(problem.request, milliseconds)).feasible

    least = smallest(holds, 1, _LONGEST_MS, guess=_GUESS_MS)
    if least is None:
        raise BadInput("no GPU that the models fit on has a bandwidth in the catalogue", where="objective latency")
    objective = Objective(name="latency", value=float(least), bound=float(least), gap=0.0)
    return problem.asking(_within(problem.request, least)), objective


def _within(request: Request, milliseconds: int) -> Request:
    """The request with answers within so long, or within what a model asks for itself where that is less."""
    for place, wanted in enumerate(request.models):
        asked = wanted.workload.answer_ms or milliseconds
        request = with_workload(request, place, answer_ms=min(asked, milliseconds))
    return request
