"""Progress of a long solve on stderr, where that is a terminal."""

import os
import sys

import click

from planner.solve.outcome import Progress

_QUIET_SECONDS = 1.0
"""A solve that ends within this time shows nothing."""


class ProgressLine:
    """One line that is written over: the best plan so far, the bound, the gap, the seconds.

    The terminal is held by a descriptor of its own: solvers may have that of stderr kept quiet.
    """

    def __init__(self) -> None:
        self._shown = ""
        self._terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w") if sys.stderr.isatty() else None

    def __call__(self, progress: Progress) -> None:
        """Show where the solve stands."""
        if progress.seconds < _QUIET_SECONDS or self._terminal is None:
            return
        line = f"\r{self.text(progress)[:79]:<79}"
        if line == self._shown:
            return
        self._shown = line
        click.echo(line, nl=False, file=self._terminal)

    def text(self, progress: Progress) -> str:
        """`12 s: best 14.2 $/h, bound 13.9, gap 2.1 % (Ctrl-C takes the best)`."""
        seconds, bound, unit = progress.seconds, progress.bound, progress.unit
        if bound is None:
            return f"{seconds:.0f} s: solving (Ctrl-C takes the first plan that is found)"
        if progress.value is None:
            return f"{seconds:.0f} s: no plan yet, bound {bound:g} {unit}"
        gap = (progress.value - bound) / abs(progress.value) if progress.value else 0.0
        return (
            f"{seconds:.0f} s: best {progress.value:g} {unit}, bound {bound:g}, gap {gap:.2%} (Ctrl-C takes the best)"
        )

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            click.echo(err=True)
