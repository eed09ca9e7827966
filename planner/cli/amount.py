"""Numbers on the command line that have a range."""

from typing import Any

import click


class Amount(click.FloatRange):
    """A number of a range; what is not a number is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it."""
        found: float = super().convert(value, param, ctx)
        if found != found:
            self.fail(f"{value} is not a number.", param, ctx)
        return found
