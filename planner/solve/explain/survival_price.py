"""What it takes more that a load is carried after the loss of any node."""

from collections.abc import Iterator

from planner.solve.explain.requirement import with_model
from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.units import count


def survival_prices(problem: Problem, value: int) -> Iterator[str]:
    """Say for each model that must survive what the plan of this value would be without that."""
    for place, wanted in enumerate(problem.request.models):
        if not wanted.survive:
            continue
        without = problem.asking(with_model(problem.request, place, survive=None))
        best = minimise(without.programme.rows, first_objective(without.programme, problem.objective), Effort())
        if best.values is not None:
            more = max(0, value - best.value)
            price = f"${more / MICRO:,.2f} an hour" if problem.objective == "cost" else count(more, "GPU")
            yield f"{wanted.model}: to survive the loss of any node takes {price} more"
