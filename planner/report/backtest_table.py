"""The outcome of a backtest as tables: accuracy by engine and metric, verdicts, and every row left out."""

from typing import Any

from tabulate import tabulate


def backtest_table(document: dict[str, Any]) -> str:
    """Lay out a backtest document."""
    parts = []
    for engine, scores in document["engines"].items():
        title = f"{engine}: {scores['rows_used']} rows replayed, {scores['rows_skipped']} skipped"
        parts.append(f"{title}\n{accuracy_table(scores['summary'])}\n{verdict_line(scores['fit'])}")
    skipped = [row for row in document["rows"] if row["status"] == "skipped"]
    if skipped:
        lines = [f"  {row['id']}: {row['reason']}" for row in skipped]
        parts.append("\n".join([f"Skipped ({len(skipped)}):", *lines]))
    return "\n\n".join(parts)


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
