"""The table and the CSV of `gpuplan frontier`."""

import csv
from io import StringIO
from typing import Any

from tabulate import tabulate

from planner.report.notes import join, notes

_COST = {"usd_per_hour": "$/h", "gpus": "GPUs"}


def frontier_table(document: dict[str, Any]) -> str:
    """Return a row a point, cheapest first."""
    priced = document["cost_unit"] == "usd_per_hour"
    rows = [
        [
            point["layout"],
            point["gpu"],
            point["cost"],
            point["in_flight"],
            f"{point['ttft_ms']:,.0f}",
            f"{point['tpot_ms']:.1f}",
            f"{point['output_tokens_per_s']:,.0f}",
            *([f"{point['usd_per_million_output_tokens']:.2f}"] if priced else []),
        ]
        for point in document["points"]
    ]
    headers = ["layout", "GPU", _COST[document["cost_unit"]], "in flight", "TTFT ms", "TPOT ms", "tokens/s"]
    table = tabulate(rows, headers=[*headers, *(["$/M tokens"] if priced else [])], tablefmt="simple")
    kept = f"{len(rows)} of {document['considered']:,} points are beaten by none in cost, answer time and tokens/s"
    head = f"{document['model']} on {document['engine']} {document['engine_version']}: {kept}"
    return join(head, table, notes("assumed", document["assumptions"]))


def frontier_csv(document: dict[str, Any]) -> str:
    """Return the points as CSV, with the names of the JSON document as headings."""
    text = StringIO()
    points = document["points"]
    if points:
        writer = csv.DictWriter(text, list(points[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(points)
    return text.getvalue()
