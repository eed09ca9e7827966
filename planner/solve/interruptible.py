"""A solver's run that Ctrl-C ends, without ending the program."""

from collections.abc import Callable
from threading import Event, Thread
from typing import TypeVar

from planner.solve.outcome import Effort

_POLL_SECONDS = 0.05
T = TypeVar("T")


def interruptible(
    run: Callable[[], T], stop: Callable[[], bool], effort: Effort, tick: Callable[[], None] = lambda: None
) -> T | None:
    """Run a solver in a thread of its own and return what it returns; raises what it raises.

    Once the effort is interrupted the solver is asked to `stop`; one that cannot (False) is left behind: None.
    """
    answers: list[T] = []
    errors: list[BaseException] = []
    done = Event()

    def answer() -> None:
        try:
            answers.append(run())
        except BaseException as error:
            errors.append(error)
        finally:
            done.set()

    Thread(target=answer, daemon=True).start()
    while not done.is_set():
        try:
            done.wait(_POLL_SECONDS)
            tick()
        except KeyboardInterrupt:
            effort.interrupted.set()
        if effort.interrupted.is_set() and not stop():
            return None
    if errors:
        raise errors[0]
    return answers[0]
