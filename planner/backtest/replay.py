"""Replay one run: the model, the devices and the flags of the row through the engine profile."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from planner import engines
from planner.backtest.recorded_model import model_of
from planner.backtest.run import INPUT, Replay, Run
from planner.engines import find_engine, local_profile
from planner.launch.launch import Launch
from planner.launch.layout import layout_of
from planner.memory.bill import Bill
from planner.memory.devices import Devices
from planner.models.model import Model
from planner.units import GIB

_SHORT = 4096
"""Tokens that a run must hold where nobody asked for a length and the engine needs none to start."""
_SHORTENING = ("trtllm",)
"""Engines that reduce the longest sequence to what the cache holds (createKvCacheManager in
trtGptModelInflightBatching.cpp, _torch/pyexecutor/resource_manager.py)."""
_ROUNDING = 0.008
"""GiB: logs show hundredths."""


def replay(run: Run, folder: Path, confidence: float) -> Replay:
    """Return what the profile predicts; raises BadInput when the run cannot be replayed.

    What the log measured before the engine allocated anything (the memory of the device, what was free)
    is taken as given, as somebody who checks a plan on that machine would; nothing that is compared is.
    """
    model = model_of(run, folder)
    starts = (_started(run, launch, model, confidence) for launch in (run.launch, *run.other_starts))
    found = next(starts)
    return _as_told(found, starts) if run.told_by else _in_every_one(found, starts)


def _as_told(found: Replay, others: Iterator[Replay]) -> Replay:
    """Return the start that the log agrees with; the first where it agrees with none."""
    if _agrees(found):
        return found
    other = next((one for one in others if not one.refusals and _agrees(one)), None)
    if other is None:
        return found
    options = other.layout.options.items() - found.layout.options.items()
    said = ", ".join(f"{name} {value}" for name, value in sorted(options, key=str))
    run = replace(found.run, unscored={**found.run.unscored, **dict.fromkeys(found.run.told_by, INPUT)})
    return replace(other, run=run, notes=(*other.notes, f"not stated, told by what was logged: {said}"))


def _agrees(found: Replay) -> bool:
    for metric, name in found.run.told_by.items():
        measured, said = found.run.measured.get(metric), found.logged(name)
        if isinstance(measured, float) and said is not None and abs(said / GIB - measured) > _ROUNDING:
            return False
    return True


def _in_every_one(found: Replay, others: Iterator[Replay]) -> Replay:
    """Return the first start, with the verdict of the one that does not fit if there is one."""
    if not found.fits:
        return found
    tight = next((one for one in others if not one.refusals and not one.fits), None)
    return found if tight is None else replace(found, verdict=tight.verdict)


def _started(run: Run, launch: Launch, model: Model, confidence: float) -> Replay:
    engine = find_engine(launch.engine, launch.version)
    gpu = run.devices.gpus[0]
    layout = layout_of(launch, model, gpu)
    refusals = engine.refusals(model, layout, gpu)
    sites = run.devices.sites(layout.pipeline_parallel_size)
    layout = engines.on_sites(engine, model, layout, sites, launch.limits)
    bill = Bill(Devices(), 0, 0.0, 0) if refusals else engine.bill(model, layout, sites, confidence)
    verdict = bill
    short = layout.block_size if launch.engine in _SHORTENING else _SHORT
    breaks = bool(refusals) or (run.own_length_starts and bool(bill.reasons))
    if run.any_length and not breaks and not bill.fits and layout.max_model_len > short:
        verdict = engine.bill(model, layout.model_copy(update={"max_model_len": short}), sites, confidence)
    return Replay(
        run=run,
        model=model,
        engine=engine,
        layout=layout,
        bill=bill,
        refusals=tuple(refusals),
        verdict=verdict,
        notes=(*run.notes, *run.devices.notes, *model.assumptions, *local_profile.remarks()),
    )
