"""The table of `gpuplan estimate`."""

from typing import Any

from planner.layout import Layout
from planner.report.bill_table import LINES, bill_table
from planner.report.notes import head, join, notes
from planner.report.simulation_table import simulation_table
from planner.report.speed_table import speed_table
from planner.units import GIB, count


def estimate_table(document: dict[str, Any]) -> str:
    """Return the estimate document as text."""
    layout = Layout.model_validate(document["layout"])
    verdict = "fits" if document["fits"] else "does not fit"
    engine = f"{document['engine']} {document['engine_version']}"
    title = f"{document['model']} as {layout.label()} on {document['gpu']}, {engine}: {verdict}"
    cache = (
        f"KV cache {document['kv_cache_tokens']:,} tokens; {count(document['sequences'], 'sequence')} of"
        f" {layout.max_model_len:,} tokens at once"
    )
    return join(
        head(title),
        bill_table(document["per_device"]),
        cache if document["fits"] else "",
        _edges([device["upper_edges"] for device in document["per_device"] if "upper_edges" in device]),
        speed_table(document["speed"]) if document.get("speed") else "",
        simulation_table(document["simulation"]) if document.get("simulation") else "",
        notes("because", document["reasons"]),
        notes("assumed", document["assumptions"]),
    )


def _edges(per_device: list[dict[str, int]]) -> str:
    """The upper edges of the lines of the fullest device, by which the verdict is made."""
    if not per_device:
        return ""
    fullest = max(per_device, key=lambda edges: sum(edges.values()))
    parts = [f"{name} {fullest[line] / GIB:.2f}" for name, line in LINES if line in fullest]
    return f"judged at the upper edge of each line, GiB on the fullest device:\n{', '.join(parts)}"
