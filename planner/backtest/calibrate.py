"""The `calibrate` verb: one's own logs and rows to a local profile (see `planner.engines.local_profile`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from planner.backtest.backtest import entries, entry_of
from planner.backtest.entry import Entry as Replayed
from planner.backtest.score import pairs, summary
from planner.backtest.verify_log import complete
from planner.engines.local_profile import Correction, Entry, LocalProfile, activate
from planner.errors import BadInput
from planner.logs.log_row import log_row
from planner.units import GIB

_SHARES = {
    "vllm": {"activation": "activation_peak_gib", "cuda_graph": "cuda_graph_gib"},
    "sglang": {"cuda_graph": "cuda_graph_mem_usage_GB"},
    "trtllm": {"activation": "execution_context_MiB"},
    "llamacpp": {"activation": "compute_buffer_MiB"},
}
_POOLS = {
    "vllm": ("kv_cache_gib_per_gpu",),
    "sglang": ("K_GB", "V_GB"),
    "trtllm": ("kv_cache_GiB",),
}
"""Metrics that add up to the cache of a device, in GiB."""


def calibrate(
    sources: Sequence[Path], *, model: str | None = None, gpu: str | None = None
) -> tuple[LocalProfile, dict[str, Any]]:
    """Return the profile that fits the logs and row files best, and a report; raises BadInput.

    Lines that scale with the load (activation, graphs) are corrected by a share, the others by GiB; each by
    the median over the rows of its engine, GPU kind and one rank or several. What the lines do not explain
    of the cache is a correction of its own. `model` and `gpu` complete logs that do not name them.
    """
    activate(None)
    found = [entry for source in sources for entry in _replayed(source, model, gpu)]
    used = [entry for entry in found if entry.used and entry.lines]
    if not used:
        reasons = "; ".join(dict.fromkeys(f"{entry.id}: {entry.reason}" for entry in found))
        raise BadInput(f"no run can be replayed: {reasons}", where=", ".join(map(str, sources)))
    keys = dict.fromkeys((e.engine or "", e.subject["gpu"], e.subject["ranks"]) for e in used)
    profile = LocalProfile(entries=[_entry(key, [e for e in used if _key(e) == key]) for key in keys])
    return profile, {
        "rows_used": [entry.id for entry in used],
        "rows_skipped": {entry.id: entry.reason for entry in found if not entry.used},
        "before": summary(pairs(entry.predicted, entry.measured) for entry in used),
        "profile": profile.model_dump(mode="json"),
    }


def _replayed(source: Path, model: str | None, gpu: str | None) -> list[Replayed]:
    if source.suffix == ".json":
        return entries(source)
    return [entry_of(complete(log_row(source), model, gpu), 0, Path())]


def _key(entry: Replayed) -> tuple[str, str, str]:
    return entry.engine or "", entry.subject["gpu"], entry.subject["ranks"]


def _entry(key: tuple[str, str, str], rows: Sequence[Replayed]) -> Entry:
    engine = key[0]
    found: dict[str, Correction] = {}
    for line, metric in _SHARES.get(engine, {}).items():
        if shares := [share for row in rows for share in _shares(row, line, metric)]:
            found[line] = Correction(share=_rounded(median(shares) - 1))
    if gaps := [m - p for row in rows for p, m in _pairs(row, "non_torch_gib")]:
        found["non_torch"] = Correction(gib=_rounded(median(gaps)))
    if left := [gap for row in rows if (gap := _unexplained(engine, row, found)) is not None]:
        found["pool"] = Correction(gib=_rounded(median(left)))
    return Entry(
        engine=engine,
        gpu=key[1],
        ranks=key[2],
        versions=list(dict.fromkeys(row.subject["engine_version"] for row in rows)),
        rows=[row.id for row in rows],
        **found,
    )


def _shares(row: Replayed, line: str, metric: str) -> Iterator[float]:
    """What was logged of a line as a share of what is predicted, without what logs count with it."""
    for predicted, measured in _pairs(row, metric):
        beside = max(0.0, predicted - row.lines.get(line, 0) / GIB) if metric.endswith("_gib") else 0.0
        if predicted > beside:
            yield (measured - beside) / (predicted - beside)


def _pairs(row: Replayed, metric: str) -> list[tuple[float, float]]:
    return pairs(row.predicted, row.measured).get(metric, [])


def _unexplained(engine: str, row: Replayed, found: dict[str, Correction]) -> float | None:
    """GiB by which the logged cache exceeds the predicted one when the lines are corrected."""
    compared = [_pairs(row, metric) for metric in _POOLS.get(engine, ())]
    if not compared or not all(compared):
        return None
    gap = sum(m - p for some in compared for p, m in some)
    moved = [found[line].of(row.lines[line]) for line in ("activation", "non_torch") if line in found]
    return gap + sum(moved) / GIB


def _rounded(value: float) -> float:
    return round(value, 4)
