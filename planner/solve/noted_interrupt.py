"""Ctrl-C that ends nothing by itself: work in Python looks at the effort now and then, and ends with what it has."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread

from planner.solve.outcome import Effort


@contextmanager
def noted_interrupt(effort: Effort) -> Iterator[None]:
    """Let Ctrl-C mark the effort as interrupted. Only the main thread hears it; in others nothing changes."""
    usual = signal.getsignal(signal.SIGINT) if current_thread() is main_thread() else None
    if usual is None:
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: effort.interrupted.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
