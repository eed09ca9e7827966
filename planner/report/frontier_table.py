"""The table and the CSV of `gpuplan frontier`."""

import csv
from io import StringIO
from typing import Any

from tabulate import tabulate

from planner.report.notes import head, join, notes

_COST = {"usd_per_hour": "$/h", "gpus": "GPUs"}


def frontier_table(document: dict[str, Any]) -> str:
    """Return a row a point, cheapest first; a layout is named where its points begin."""
    priced = document["cost_unit"] == "usd_per_hour"
    rows, last = [], None
    for point in document["points"]:
        cost = f"{point['cost']:,.2f}" if priced else f"{point['cost']:g}"
        name = (point["layout"], point["gpu"], cost)
        rows.append(
            [
                *(name if name != last else ("", "", "")),
                f"{point['in_flight']:,}",
                f"{point['ttft_ms']:,.0f}",
                f"{point['tpot_ms']:.1f}",
                f"{point['output_tokens_per_s']:,.0f}",
                *([f"{point['usd_per_million_output_tokens']:.2f}"] if priced else []),
            ]
        )
        last = name
    headers = ["layout", "GPU", _COST[document["cost_unit"]], "in flight", "TTFT ms", "TPOT ms", "tokens/s", "$/Mtok"]
    columns = len(headers) if priced else len(headers) - 1
    table = tabulate(
        rows,
        headers=headers[:columns],
        tablefmt="simple",
        maxcolwidths=[9, 15, *[None] * (columns - 2)],
        maxheadercolwidths=[9, 15, 7, 6, 5, 5, 8, 8][:columns],
        colalign=("left", "left", *["right"] * (columns - 2)),
        disable_numparse=True,
    )
    kept = f"{len(rows)} of {document['considered']:,} points are beaten by none in cost, answer time and tokens/s"
    title = f"{document['model']} on {document['engine']} {document['engine_version']}: {kept}"
    return join(head(title), table, notes("assumed", document["assumptions"]))


def frontier_csv(document: dict[str, Any]) -> str:
    """Return the points as CSV, with the names of the JSON document as headings."""
    text = StringIO()
    points = document["points"]
    if points:
        writer = csv.DictWriter(text, list(points[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(points)
    return text.getvalue()
