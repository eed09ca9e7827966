"""The table of `gpuplan inspect`."""

from typing import Any

from tabulate import tabulate

from planner.report.notes import join, notes
from planner.units import gib


def inspect_table(document: dict[str, Any]) -> str:
    """Return the inspect document as a table."""
    layers = ", ".join(f"{times} x {params:,}" for times, params in document["layers"])
    cache = document["kv_cache"]
    groups = "; ".join(_group(group) for group in cache["groups"])
    rows = [
        ("architecture", document["model_type"]),
        ("parameters", f"{document['total_params']:,}"),
        ("active a token", f"{document['active_params']:,}"),
        ("embedding", f"{document['embedding_params']:,}"),
        ("head", "tied" if document["tied_embeddings"] else f"{document['lm_head_params']:,}"),
        ("routed experts", f"{document['expert_params']:,}" if document["expert_params"] else None),
        ("layers", layers),
        ("checkpoint", f"{gib(document['weight_bytes'])} ({document['quantization'] or document['dtype']})"),
        ("cache a token", f"{cache['bytes_per_token']:,} bytes"),
        ("cache groups", groups or "none"),
        (
            "state a sequence",
            f"{document['state_bytes_per_sequence']:,} bytes" if document["state_bytes_per_sequence"] else None,
        ),
        ("longest context", f"{document['max_context']:,} tokens"),
        *(
            (name, f"{part['params']:,}{'' if part['counted'] else ' (counted apart)'}")
            for name, part in document["components"].items()
        ),
    ]
    table = tabulate([row for row in rows if row[1]], tablefmt="plain", disable_numparse=True)
    return join(document["model"], table, notes("assumed", document["assumptions"]))


def _group(group: dict[str, Any]) -> str:
    window = f" of {group['window']:,}" if group["window"] else ""
    return f"{group['layers']} {group['kind']}{window} x {group['elements_per_token']:,}"
