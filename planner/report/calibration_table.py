"""What a calibration found, as tables."""

from typing import Any

from tabulate import tabulate

from planner.report.backtest_table import accuracy_table
from planner.report.notes import join, notes

_LINES = ("activation", "non_torch", "cuda_graph", "pool")


def calibration_table(report: dict[str, Any]) -> str:
    """Lay out the report of `calibrate`."""
    rows = [
        [entry["engine"], entry["gpu"], entry["ranks"], line, _shown(entry[line]), len(entry["rows"])]
        for entry in report["profile"]["entries"]
        for line in _LINES
        if any(entry[line].values())
    ]
    corrections = tabulate(rows, headers=["engine", "GPU", "ranks", "line", "correction", "rows"], tablefmt="simple")
    return join(
        f"{len(report['rows_used'])} runs; before the correction:",
        accuracy_table(report["before"]),
        corrections if rows else "nothing to correct",
        notes("skipped", [f"{name}: {reason}" for name, reason in report["rows_skipped"].items()]),
    )


def _shown(correction: dict[str, float]) -> str:
    share, gib = correction["share"], correction["gib"]
    return " ".join(part for part in (f"{share:+.1%}" if share else "", f"{gib:+.2f} GiB" if gib else "") if part)
