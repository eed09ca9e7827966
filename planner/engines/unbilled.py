"""Options that change what a device holds and that no rule of a profile reads: a bill says so instead of hiding it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.layout import OptionValue


def unbilled(engine: str, options: Mapping[str, OptionValue]) -> list[str]:
    """Return one line for each group of such options that is set (unbilled.yaml); switches that are off say nothing."""
    found = []
    for group in _groups().get(engine, ()):
        given = [name for name in group["options"] if options.get(name) not in (None, False, 0, "")]
        if given:
            found.append(f"{', '.join(given)}: {group['says']}")
    return found


@cache
def _groups() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("unbilled.yaml"))
    return content
