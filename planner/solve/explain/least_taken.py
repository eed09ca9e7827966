"""What the cheapest plan of a problem takes: dollars an hour, or GPUs where nothing has a price."""

from planner.solve.lexicographic import minimise
from planner.solve.node_class import MICRO
from planner.solve.objectives import first_objective
from planner.solve.outcome import Effort
from planner.solve.problem import Problem
from planner.units import count


def least_taken(problem: Problem) -> int | None:
    """Return the value of the first objective of the best plan; None where there is none."""
    best = minimise(problem.programme.rows, first_objective(problem.programme, problem.objective), Effort())
    return None if best.values is None else best.value


def as_number(problem: Problem, value: int) -> float | int:
    """Return a value of the first objective in dollars an hour or GPUs."""
    return value / MICRO if problem.objective == "cost" else value


def in_words(problem: Problem, value: int) -> str:
    """Say a value of the first objective."""
    return f"${value / MICRO:,.2f} an hour" if problem.objective == "cost" else count(value, "GPU")
