"""The outcome of a backtest as tables: accuracy by engine and metric, verdicts, and every row left out."""

from textwrap import fill
from typing import Any

from tabulate import tabulate


def backtest_table(document: dict[str, Any]) -> str:
    """Lay out a backtest document."""
    parts = []
    for engine, scores in document["engines"].items():
        title = f"{engine}: {scores['rows_used']} rows replayed, {scores['rows_skipped']} skipped"
        parts.append(f"{title}\n{accuracy_table(scores['summary'])}\n{verdict_line(scores['fit'])}")
        parts += [
            f"{engine} by {group}\n{group_table(scores[f'by_{group}'])}"
            for group in ("gpu", "precision")
            if scores["by_precision"] and len(scores[f"by_{group}"]) > 1
        ]
    skipped: dict[str, list[str]] = {}
    for row in document["rows"]:
        if row["status"] == "skipped":
            skipped.setdefault(row["reason"], []).append(row["id"])
    if skipped:
        lines = [f"  {reason}\n{_wrapped(ids)}" for reason, ids in skipped.items()]
        parts.append("\n".join([f"Skipped ({document['rows_skipped']}):", *lines]))
    return "\n\n".join(parts)


def group_table(groups: dict[str, dict[str, dict[str, float]]]) -> str:
    """A row a group and metric."""
    rows = [
        [name, metric, int(found["n"]), _percent(found["median_ape"]), _signed(found["bias"])]
        for name, summary in groups.items()
        for metric, found in summary.items()
    ]
    headers = ["", "metric", "n", "median error", "bias"]
    return (
        tabulate(rows, headers=headers, tablefmt="simple", colalign=("left", "left", *["right"] * 3)) if rows else "-"
    )


def _wrapped(ids: list[str]) -> str:
    return fill(", ".join(ids), width=110, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False)


def accuracy_table(summary: dict[str, dict[str, float]]) -> str:
    """A row a metric: how many were compared, median and 90th-percentile error, bias."""
    rows = [
        [metric, int(found["n"]), _percent(found["median_ape"]), _percent(found["p90_ape"]), _signed(found["bias"])]
        for metric, found in summary.items()
    ]
    headers = ["metric", "n", "median error", "90th percentile", "bias"]
    return tabulate(rows, headers=headers, tablefmt="simple", colalign=("left", *["right"] * 4)) if rows else "-"


def verdict_line(fit: dict[str, int]) -> str:
    """`fits: 70 right, 0 wrong; does not fit: 14 right, 1 wrong`."""
    return (
        f"said to fit: {fit['true_fit']} did, {fit['false_fit']} did not; "
        f"said not to fit: {fit['true_unfit']} did not, {fit['false_unfit']} did"
    )


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0995 else f"{share:.2%}"


def _signed(share: float) -> str:
    return f"{share:+.1%}"
