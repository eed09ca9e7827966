"""Progress of a long solve on stderr, where that is a terminal."""

import sys

import click

from planner.solve.outcome import Progress

_QUIET_SECONDS = 1.0
"""A solve that ends within this time shows nothing."""


class ProgressLine:
    """One line that is written over: the best plan so far, the bound, the gap, the seconds."""

    def __init__(self) -> None:
        self._shown = False

    def __call__(self, progress: Progress) -> None:
        """Show where the solve stands."""
        if progress.seconds < _QUIET_SECONDS or not sys.stderr.isatty():
            return
        self._shown = True
        click.echo(f"\r{self.text(progress)[:79]:<79}", nl=False, err=True)

    def text(self, progress: Progress) -> str:
        """`12 s: best 14.2 $/h, bound 13.9, gap 2.1 % (Ctrl-C takes the best)`."""
        seconds, bound, unit = progress.seconds, progress.bound, progress.unit
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
