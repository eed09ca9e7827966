"""Ctrl-C while a solver runs ends the solve, never the program."""

import random
import signal
import threading
from _thread import interrupt_main

import pytest

from planner.solve.integer_programme import IntegerProgramme, Terms
from planner.solve.lexicographic import minimise
from planner.solve.outcome import Effort, Progress, SolverName


def knapsacks() -> tuple[IntegerProgramme, Terms]:
    """A programme that takes minutes to prove: many rows over the same variables, all of about one weight."""
    dice, programme = random.Random(1), IntegerProgramme()
    chosen = [programme.variable(1) for _ in range(200)]
    for _ in range(60):
        programme.at_least({variable: dice.randint(1, 100) for variable in chosen}, 3000)
    return programme, {variable: dice.randint(1000, 5000) for variable in chosen}


@pytest.mark.parametrize("solver", ["scip", "highs"])
def test_the_best_so_far_is_returned(solver: SolverName) -> None:
    """Ctrl-C is pressed once the solver tells how it gets on: SCIP of a first plan, HiGHS of its seconds."""
    programme, objective = knapsacks()
    pressed = threading.Event()

    def press(progress: Progress) -> None:
        if not pressed.is_set() and (solver == "highs" or progress.value is not None):
            pressed.set()
            interrupt_main(signal.SIGINT)

    effort = Effort(seconds=60, watch=press)
    outcome = minimise(programme, objective, effort, solver)
    assert effort.interrupted.is_set() and not outcome.complete
    assert solver == "highs" or outcome.values is not None
