"""A verb of the command line: its flags in sections, and examples below them."""

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
OUTPUT = "Output"
"""The section that every verb has, and the last one."""
_ORDER = ("What", "Load", "Engine", "What may be changed", "Where", "Solver", "Input", OUTPUT, "Data of your own")


class Flag(click.Option):
    """An option that knows the section of the help it stands in."""

    def __init__(self, *args: Any, section: str = "What", **more: Any) -> None:
        super().__init__(*args, **more)
        self.section = section


class _Told(click.Command):
    """Help in sections, with examples that are printed as they are to be typed."""

    examples: tuple[str, ...] = ()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags, a section each."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                section = parameter.section if isinstance(parameter, Flag) else OUTPUT
                sections.setdefault(section, []).append(record)
        for section in sorted(sections, key=_ORDER.index):
            with formatter.section(section):
                formatter.write_dl(sections[section], col_max=26)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        if self.examples:
            with formatter.section("Examples"):
                for line in self.examples:
                    formatter.write(f"  {line}\n")


class Verb(_Told):
    """One verb."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.examples = examples


class VerbGroup(_Told, click.Group):
    """A verb with verbs of its own."""

    def __init__(self, *args: Any, examples: tuple[str, ...] = (), **more: Any) -> None:
        super().__init__(*args, **more)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags, then the verbs below this one."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def flag(*names: str, section: str, **more: Any) -> Decorator:
    """Return the decorator of an option in a section of the help."""
    return click.option(*names, cls=Flag, section=section, **more)


as_json = flag("--json", "as_json", section=OUTPUT, is_flag=True, help="Print the document as JSON.")
