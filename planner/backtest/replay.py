"""Replay one run: the model, the devices and the flags of the row through the engine profile."""

from pathlib import Path

from planner import engines
from planner.backtest.recorded_model import model_of
from planner.backtest.run import Replay, Run
from planner.engines import find_engine, local_profile
from planner.launch.layout import layout_of
from planner.memory.bill import Bill
from planner.memory.devices import Devices

_SHORT = 4096
"""Tokens that a run must hold where nobody asked for a length and the engine needs none to start."""


def replay(run: Run, folder: Path, confidence: float) -> Replay:
    """Return what the profile predicts; raises BadInput when the run cannot be replayed.

    What the log measured before the engine allocated anything (the memory of the device, what was free)
    is taken as given, as somebody who checks a plan on that machine would; nothing that is compared is.
    """
    model = model_of(run, folder)
    engine = find_engine(run.launch.engine, run.launch.version)
    gpu = run.devices.gpus[0]
    layout = layout_of(run.launch, model, gpu)
    refusals = engine.refusals(model, layout, gpu)
    sites = run.devices.sites(layout.pipeline_parallel_size)
    layout = engines.on_sites(engine, model, layout, sites, run.launch.limits)
    bill = Bill(Devices(), 0, 0.0, 0) if refusals else engine.bill(model, layout, sites, confidence)
    verdict = bill
    if run.any_length and not refusals and not bill.fits and layout.max_model_len > _SHORT:
        verdict = engine.bill(model, layout.model_copy(update={"max_model_len": _SHORT}), sites, confidence)
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
