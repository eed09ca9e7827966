"""The table of `gpuplan inspect`."""

from textwrap import fill
from typing import Any

from tabulate import tabulate

from planner.report.notes import join, notes
from planner.units import gib

_WIDTH = 55
"""Columns of a value, so that the longest name of a row still fits 80 with it."""


def inspect_table(document: dict[str, Any]) -> str:
    """Return the inspect document as a table."""
    layers = _layers(document["layers"])
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
    shown = [[name, fill(text, _WIDTH)] for name, text in rows if text]
    table = tabulate(shown, tablefmt="plain", disable_numparse=True)
    return join(document["model"], table, notes("assumed", document["assumptions"]))


def _layers(runs: list[list[int]]) -> str:
    """`3 x 5, 58 x 7`; runs that come again are written once: `12 x (3 x 5, 1 x 7)`."""
    period = next(size for size in range(1, len(runs) + 1) if runs == (runs[:size] * len(runs))[: len(runs)])
    times, rest = divmod(len(runs), period)
    once = ", ".join(f"{count} x {params:,}" for count, params in runs[:period])
    parts = [f"{times} x ({once})" if times > 1 else once]
    parts += [f"{count} x {params:,}" for count, params in runs[len(runs) - rest :]] if rest else []
    return ", ".join(parts)


def _group(group: dict[str, Any]) -> str:
    window = f" of {group['window']:,}" if group["window"] else ""
    return f"{group['layers']} {group['kind']}{window} x {group['elements_per_token']:,}"
