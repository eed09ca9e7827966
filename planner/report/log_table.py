"""Predicted beside logged, as a table."""

from typing import Any

from tabulate import tabulate

from planner.backtest.run import INPUT
from planner.report.notes import head, join, notes
from planner.units import count, gib, lack

_VERDICTS = {True: "fits", False: "does not fit", None: "not known"}


def log_table(document: dict[str, Any]) -> str:
    """Lay out the verify document of a log."""
    rows = [
        [term["term"], _number(term["predicted"]), _number(term["logged"]), f"{term['error']:+.1%}"]
        for term in document["terms"]
    ]
    rows += [[term, "-", "", why] for term, why in document["not_predicted"].items() if why != INPUT]
    title = (
        f"{document['model']} on {document['gpu']}, {document['engine']} {document['engine_version']}, "
        f"{document['layout']}: {_VERDICTS[document['fits']]}; the log says: {_VERDICTS[document['log_fits']]}"
    )
    parts = [
        head(title),
        tabulate(rows, headers=["term", "predicted", "logged", "error"], tablefmt="simple", disable_numparse=True),
    ]
    return join(
        *parts,
        head(_margin(document["margin"])),
        notes("because", document["reasons"]),
        notes("assumed", document["assumptions"]),
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10_000 else f"{value:,.4g}"


def _margin(margin: dict[str, int]) -> str:
    if not margin:
        return ""
    held = f"{count(margin['sequences'], 'sequence')} of full length at once"
    short = f", {lack(margin['short_bytes'])} short of one" if margin["sequences"] < 1 else ""
    return f"margin: {held}{short}; {gib(margin['free_bytes'])} of the fullest device stay free"
