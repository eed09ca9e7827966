"""Flags that are set by variables (`LLAMA_ARG_CTX_SIZE`, `MAX_TOTAL_TOKENS`)."""

from collections.abc import Mapping

from planner.launch.flag_table import FlagTable, Kind
from planner.launch.flags import FlagValue


def flags_of_environment(environment: Mapping[str, str], table: FlagTable) -> dict[str, FlagValue]:
    """Return the flags that the variables stand for, by long name; a word on the command line beats them."""
    found: dict[str, FlagValue] = {}
    for variable, name in table.environment.items():
        if (text := environment.get(variable)) is None:
            continue
        switch = table.kinds[name] in (Kind.SWITCH, Kind.NEGATABLE)
        found[name] = text.lower() in ("1", "true", "on", "yes") if switch else text
    return found
