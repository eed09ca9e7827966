"""The memory bill as a table: a row a stage, since the ranks of a stage hold the same."""

from typing import Any

from tabulate import tabulate

from planner.units import GIB

LINES = (
    ("weights", "weights_bytes"),
    ("KV", "kv_cache_bytes"),
    ("act.", "activation_bytes"),
    ("graphs", "cuda_graph_bytes"),
    ("other", "non_torch_bytes"),
    ("total", "total_bytes"),
    ("usable", "usable_bytes"),
)


def bill_table(per_device: list[dict[str, Any]]) -> str:
    """Return GiB a device; ranks with the same bill share a row."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for device in per_device:
        groups.setdefault((device["stage"], *(device[key] for _, key in LINES)), []).append(device["rank"])
    rows = [
        [values[0], _ranks(ranks), *(f"{value / GIB:.2f}" for value in values[1:])] for values, ranks in groups.items()
    ]
    headers = ["stage", "rank", *(name for name, _ in LINES)]
    return "GiB a device\n" + tabulate(
        rows, headers=headers, tablefmt="simple", disable_numparse=True, stralign="right"
    )


def _ranks(ranks: list[int]) -> str:
    return str(ranks[0]) if len(ranks) == 1 else f"{ranks[0]}-{ranks[-1]}"
