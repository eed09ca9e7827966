"""Replay a row of a start-up log: the memory lines, and whether the engine would start."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.backtest.devices import lent_bytes
from planner.backtest.entry import Entry
from planner.backtest.fields import Fields, Value
from planner.backtest.readers import Reader, reader_of
from planner.backtest.replay import replay
from planner.backtest.run import Replay
from planner.engines.local_profile import ranks_of
from planner.units import lack


def memory_entry(row: Mapping[str, Any], engine: str, folder: Path, confidence: float) -> Entry:
    """Return the entry of a row; raises BadInput when it cannot be replayed."""
    reader = reader_of(engine)
    run = reader.read(row)
    lent = lent_bytes(Fields(row).words("gpu", "other_flags", "quote"))
    found = replay(replace(run, devices=replace(run.devices, lent_bytes=lent)), folder, confidence)
    run = found.run
    return Entry(
        id=run.id,
        engine=engine,
        predicted={} if found.refusals else _predicted(found, reader),
        measured=run.measured,
        fits=(found.fits if run.devices.sized else None, run.fits),
        why_not=() if found.fits else _why_not(found),
        margin=_margin(found),
        subject={
            "engine_version": found.engine.version,
            "model": found.model.name,
            "model_type": found.model.model_type,
            "gpu": " + ".join(dict.fromkeys(gpu.slug for gpu in run.devices.kinds)),
            "architecture": run.devices.kinds[0].architecture,
            "layout": found.layout.label(),
            "ranks": ranks_of(found.layout),
        },
        lines={} if found.refusals else _lines(found),
        unscored=run.unscored,
        assumptions=found.notes,
    )


def _why_not(found: Replay) -> tuple[str, ...]:
    """What refuses it: where no line is beyond the device, the cache that holds not even one sequence."""
    named = (*found.refusals, *found.verdict.reasons)
    return named or (f"KV cache: one sequence is {lack(found.verdict.short_bytes)} short",)


def _margin(found: Replay) -> dict[str, int]:
    if found.refusals or found.verdict is not found.bill:
        return {}
    return {
        "sequences": found.bill.sequences,
        "short_bytes": found.bill.short_bytes,
        "free_bytes": min(device.device_bytes - device.total_bytes for device in found.bill.per_device),
    }


def _lines(found: Replay) -> dict[str, int]:
    device = found.device
    return {
        "weights": device.weights_bytes,
        "activation": device.activation_bytes,
        "non_torch": device.non_torch_bytes,
        "cuda_graph": device.cuda_graph_bytes,
    }


def _predicted(found: Replay, reader: Reader) -> dict[str, Value]:
    """Return what the profile says of each quantity that was measured and can be compared."""
    run = found.run
    known = reader.METRICS.keys() if run.devices.sized else reader.DEVICE_FREE
    scored = [metric for metric in run.measured if metric in known and metric not in run.unscored]
    values = {metric: reader.METRICS[metric](found) for metric in scored}
    return {metric: value for metric, value in values.items() if value is not None}
