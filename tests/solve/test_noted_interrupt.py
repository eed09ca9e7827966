"""Ctrl-C marks the effort while work goes on, and is what it was afterwards."""

import signal
from threading import Thread

import pytest

from planner.solve.noted_interrupt import noted_interrupt
from planner.solve.outcome import Effort


def test_ctrl_c_marks_the_effort_and_ends_nothing() -> None:
    effort, before = Effort(), signal.getsignal(signal.SIGINT)
    with noted_interrupt(effort):
        signal.raise_signal(signal.SIGINT)
        assert effort.interrupted.is_set()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_other_threads_leave_ctrl_c_as_it_is() -> None:
    found = []

    def work() -> None:
        with noted_interrupt(Effort()):
            found.append(signal.getsignal(signal.SIGINT))

    thread = Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGINT)]
