"""What it takes more that a load is carried after the loss of any node."""

from collections.abc import Iterator

from planner.solve.explain.least_taken import in_words, least_taken
from planner.solve.explain.requirement import with_model
from planner.solve.problem import Problem


def survival_prices(problem: Problem, value: int) -> Iterator[str]:
    """Say for each model that must survive what the plan of this value would be without that."""
    for place, wanted in enumerate(problem.request.models):
        if not wanted.survive:
            continue
        without = problem.asking(with_model(problem.request, place, survive=None))
        best = least_taken(without)
        if best is not None:
            more = in_words(problem, max(0, value - best))
            yield f"{wanted.model}: to survive the loss of any node takes {more} more"
