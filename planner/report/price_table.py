"""The tables of `gpuplan prices`."""

from typing import Any

from tabulate import tabulate

from planner.fleet.price_update import PriceChange, PriceUpdate
from planner.report.notes import join, notes

_MOST_CHANGES = 20


def price_table(rows: list[dict[str, Any]]) -> str:
    """Return the offers in 80 columns; names are written as `plan --on` takes them."""
    table = tabulate(
        [
            [
                f"{row['cloud']}:{row['instance_type']}",
                f"{row['gpu_count']}x {row['gpu']}",
                _usd(row["usd_per_hour"]),
                _usd(row["usd_per_gpu_hour"]),
                f"{row['region']}{' spot' if row['spot'] else ''}",
            ]
            for row in rows
        ],
        headers=["instance", "GPUs", "$/h", "a GPU", "region"],
        tablefmt="simple",
        colalign=("left", "left", "right", "right", "left"),
        maxcolwidths=[27, 17, None, None, 12],
        disable_numparse=True,
    )
    dates = {row["cloud"]: set[str]() for row in rows}
    for row in rows:
        dates[row["cloud"]].add(row["as_of"])
    stated = [f"{cloud}: {', '.join(sorted(found))}" for cloud, found in dates.items()]
    odd: dict[str, list[str]] = {}
    for row in rows:
        if row["note"]:
            odd.setdefault(row["note"], []).append(f"{row['cloud']}:{row['instance_type']}")
    noted = [f"{', '.join(dict.fromkeys(names))}: {note}" for note, names in odd.items()]
    return join(table, notes("prices as of", stated), notes("noted", noted))


def update_report(update: PriceUpdate) -> str:
    """Return what a new list changes and where it lies."""
    lines = [_change(change) for change in (*update.changed, *update.new)]
    more = [f"and {len(lines) - _MOST_CHANGES} more"] if len(lines) > _MOST_CHANGES else []
    same = update.lines - len(update.new) - len(update.changed)
    head = f"{update.lines} prices: {len(update.new)} new, {len(update.changed)} changed, {same} as before"
    kept = f"kept at {update.kept_at}" if update.kept_at else "not kept (--dry-run)"
    return join(head, notes("changes", [*lines[:_MOST_CHANGES], *more]), kept)


def _change(change: PriceChange) -> str:
    new, old = change.new, change.old
    name = f"{new.cloud}:{new.instance_type}"
    place = f" in {new.on_demand_region}" if new.on_demand_region else ""
    if old is None:
        return f"{name}: new, ${_usd(new.on_demand)}/h{place} ({new.as_of})"
    moved = f" ({change.cheaper:+.1%})" if change.cheaper else ""
    spot = f", spot ${_usd(old.spot)} -> ${_usd(new.spot)}" if old.spot != new.spot else ""
    return (
        f"{name}: ${_usd(old.on_demand)} -> ${_usd(new.on_demand)}/h{moved}{spot}{place} ({old.as_of} -> {new.as_of})"
    )


def _usd(price: float | None) -> str:
    return "-" if price is None else f"{price:,.2f}" if price >= 10 else f"{price:.3f}"
