"""The table of a simulation beside the closed form."""

from collections.abc import Iterable
from typing import Any

from tabulate import tabulate

from planner.report.notes import head

_ROWS = (("ttft_ms", "TTFT, ms"), ("tpot_ms", "TPOT, ms"), ("output_tokens_per_s", "output tokens/s"))


def simulation_table(played: dict[str, Any]) -> str:
    """Return one simulation as text."""
    found, form, ratio = played["simulated"], played["closed_form"], played["ratio"]
    rows = [
        [
            name,
            f"{found[key]:,.4g}",
            f"{found[key.replace('_ms', '_p99_ms')]:,.4g}" if key.endswith("_ms") else "",
            f"{form[key]:,.4g}",
            f"{ratio[key]:.2f}" if key in ratio else "-",
        ]
        for key, name in _ROWS
    ]
    what = "requests of these lengths" if played["source"] == "lengths" else f"traffic of {played['source']}"
    where = f"{played['model']} as {played['replica']}: " if "replica" in played else ""
    title = (
        f"{where}simulated {found['requests']} {what}, {played['load']},"
        f" {played['input_tokens']:,} tokens in and {played['output_tokens']:,} out"
    )
    return (
        head(title)
        + "\n"
        + tabulate(rows, headers=["one replica", "simulated", "p99", "closed form", "ratio"], tablefmt="simple")
    )


def simulation_tables(played: Iterable[dict[str, Any]]) -> str:
    """Return several simulations as text."""
    return "\n\n".join(simulation_table(one) for one in played)
