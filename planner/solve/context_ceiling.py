"""The context ceiling where a lower one is allowed: the best plan at the floor, then the longest that still fits."""

from planner.request import Request
from planner.solve.explain.requirement import with_workload
from planner.solve.explain.search import largest
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.solve.solution import solve


def settle_context(problem: Problem) -> Problem:
    """Return the problem with the ceilings settled: as low as the best plan needs them, and not lower.

    With all ceilings at their floors no plan is better than the one found there; each ceiling, in the order of
    the models, is then raised as far as a plan as good still holds.
    """
    flexible = [place for place, wanted in enumerate(problem.request.models) if _floor(problem, place)]
    if not flexible:
        return problem
    request = problem.request
    for place in flexible:
        request = with_workload(request, place, context=_floor(problem, place))
    lowest = problem.asking(request)
    best = solve(lowest.programme, lowest.objective, Effort())
    if best.values is None:
        return lowest
    first = first_objective(lowest.programme, lowest.objective)
    limit = sum(weight * best.values[variable] for variable, weight in first.items())
    for place in flexible:
        request = _raised(problem, request, place, limit)
    return problem.asking(request)


def _floor(problem: Problem, place: int) -> int | None:
    """The floor of a model's context, where it lies below what is asked for."""
    wanted = problem.request.models[place]
    asked = wanted.workload.context or problem.variants[place][0].model.max_context
    floor = wanted.allow.context_down_to
    return floor if floor is not None and floor < asked else None


def _raised(problem: Problem, request: Request, place: int, limit: int) -> Request:
    wanted = problem.request.models[place]
    asked = wanted.workload.context or problem.variants[place][0].model.max_context

    def holds(context: int) -> bool:
        return problem.asking(with_workload(request, place, context=context)).within(limit)

    most = largest(holds, _floor(problem, place) or 1, asked, guess=asked)
    return with_workload(request, place, context=most) if most else request
