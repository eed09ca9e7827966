"""Predict a row of a serving benchmark: times and rates."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.backtest.entry import Entry
from planner.backtest.fields import Fields
from planner.backtest.speed.metrics import predicted
from planner.backtest.speed.possible import impossible
from planner.backtest.speed.row import SpeedRun, read_speed_row
from planner.speed.provenance import provenance

_KEYS = ("isl", "osl", "offered_qps", "gemm_quant")
_RATES = ("ttft", "tpot", "itl", "tokens_per_s", "request_rate")
_SIZES = ("tp", "pp", "dp", "ep", "n_gpus")


def is_speed_row(row: Mapping[str, Any]) -> bool:
    """Whether a row is of a benchmark and not of a start-up log."""
    measured = row.get("measured")
    names = measured if isinstance(measured, Mapping) else ()
    return any(key in row for key in _KEYS) or any(word in name for name in names for word in _RATES)


def speed_entry(row: Mapping[str, Any], name: str, folder: Path) -> Entry:
    """Return the entry of a row; raises BadInput when it cannot be predicted."""
    fields = Fields(row)
    measured = fields.measured()
    for name_of_size in _SIZES:
        fields.size(name_of_size)
    for length in ("isl", "osl"):
        fields.whole(length)
    fields.number("offered_qps")
    run = read_speed_row(row, folder)
    unscored = _unscored(row, measured)
    return Entry(
        id=name,
        engine=run.engine.name,
        predicted={metric: value for metric, value in predicted(run).items() if metric not in unscored},
        measured=measured,
        subject={
            "engine_version": run.engine.version,
            "model": run.model.name,
            "model_type": run.model.model_type,
            "gpu": run.gpu.slug,
            "architecture": run.gpu.architecture,
            "layout": run.layout.label(),
            "precision": (fields.text("precision") or "not stated").lower(),
            "provenance": str(provenance(run.sites, run.engine.name)),
            "load": _load(row, run.saturated),
        },
        unscored=unscored,
        assumptions=(*run.notes, *run.model.assumptions, *_doubts(run)),
    )


def _doubts(run: SpeedRun) -> list[str]:
    why = impossible(run)
    return [f"faster than the GPUs of the row can be: {why}"] if why else []


def _load(row: Mapping[str, Any], saturated: bool) -> str:
    """`served` at a known concurrency, `offline` with everything queued at once, else `other`."""
    words = str(row.get("load") or "")
    if words.startswith("offline"):
        return "offline"
    return "served" if words.startswith("closed loop") and not saturated else "other"


def _unscored(row: Mapping[str, Any], measured: Mapping[str, Any]) -> dict[str, str]:
    """Times to first token that are a queue or a warm-up say nothing of the engine."""
    why = "mostly waiting" if row.get("queue_limited") else "includes the warm-up" if row.get("ttft_suspect") else None
    return {metric: why for metric in measured if why and metric.startswith("ttft")}
