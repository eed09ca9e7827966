"""The table of `gpuplan verify`."""

from typing import Any

from planner.report.estimate_table import estimate_table
from planner.report.notes import join, notes


def verify_table(document: dict[str, Any]) -> str:
    """Return the bill of every launch as text."""
    return "\n\n\n".join(_launch(launch) for launch in document["launches"])


def _launch(launch: dict[str, Any]) -> str:
    copies = f", {launch['copies']} copies" if launch["copies"] > 1 else ""
    return join(
        f"{launch['where']}{copies}",
        estimate_table(launch),
        notes("flags this engine does not have", launch["unknown_flags"]),
    )
