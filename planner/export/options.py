"""A layout's engine options as flags, under the engine's own spelling."""

from collections.abc import Collection

from planner.errors import BadInput
from planner.export.command import FlagValue
from planner.launch.flag_table import Kind, flag_table
from planner.layout import Layout


def option_flags(engine: str, layout: Layout, *, besides: Collection[str] = ()) -> dict[str, FlagValue]:
    """Return `options` but those in `besides` as flags; raises BadInput for one the engine does not have."""
    table = flag_table(engine)
    found: dict[str, FlagValue] = {}
    for option, value in layout.options.items():
        if option in besides:
            continue
        name = option.replace("_", "-")
        kind = table.kinds.get(name)
        if kind is None:
            raise BadInput(f"is no flag of {engine} {table.version}", where="plan", field=f"options.{option}")
        if kind is Kind.SWITCH and value is False:
            continue
        found[name] = str(value).split(",") if kind is Kind.LIST else value
    return found
