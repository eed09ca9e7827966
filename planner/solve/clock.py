"""What is left of an effort as it is spent."""

from dataclasses import replace
from time import perf_counter

from planner.solve.outcome import Effort, Progress


class Clock:
    """Says when to stop, and tells who watches."""

    def __init__(self, effort: Effort) -> None:
        self.effort, self._started = effort, perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return perf_counter() - self._started

    @property
    def left(self) -> Effort:
        """The effort from now on; nobody watches its parts."""
        limit = self.effort.seconds
        return replace(self.effort, watch=None, seconds=None if limit is None else max(0.1, limit - self.seconds))

    def ended(self) -> bool:
        """Whether it was interrupted or its time is over."""
        limit = self.effort.seconds
        return self.effort.interrupted.is_set() or (limit is not None and self.seconds >= limit)

    def show(self, value: int | None, bound: float) -> None:
        """Tell who watches."""
        if self.effort.watch:
            self.effort.watch(Progress(value, bound, self.seconds))
