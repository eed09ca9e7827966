"""A layout's engine options as flags, under the engine's own spelling."""

from planner.errors import BadInput
from planner.export.command import FlagValue
from planner.launch.flag_table import Kind, flag_table
from planner.layout import Layout


def option_flags(engine: str, layout: Layout, *, underscores: bool = False) -> dict[str, FlagValue]:
    """Return `options` as flags; raises BadInput for one the engine's command line does not have."""
    table = flag_table(engine)
    found: dict[str, FlagValue] = {}
    for option, value in layout.options.items():
        name = option.replace("_", "-")
        kind = table.kinds.get(name)
        if kind is None:
            raise BadInput(f"is no flag of {engine} {table.version}", where="plan", field=f"options.{option}")
        if kind is Kind.SWITCH and value is False:
            continue
        spelled = name.replace("-", "_") if underscores else name
        found[spelled] = str(value).split(",") if kind is Kind.LIST else value
    return found
