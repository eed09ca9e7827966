"""The `estimate` verb: the memory bill and the speed of one layout on one GPU kind."""

from pathlib import Path
from typing import Any

from planner.confidence import CONFIDENCE
from planner.engines import find_engine, local_profile
from planner.engines.at_confidence import at_confidence
from planner.engines.profile import Engine
from planner.engines.shortfall import shortfall
from planner.engines.unbilled import unbilled
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import Site, usual_site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.models.quantization.wished import as_wished
from planner.models.source import load_model
from planner.speed.predict import predict
from planner.speed.simulate import simulate as play_out
from planner.workload import Workload


def estimate(
    model: str | Path,
    gpu: str,
    *,
    engine: str = "vllm",
    tensor: int = 1,
    pipeline: int = 1,
    data: int = 1,
    expert_parallel: bool = False,
    quantization: str | None = None,
    limits: Limits | None = None,
    workload: Workload | None = None,
    simulate: str | None = None,
    confidence: float = CONFIDENCE,
) -> dict[str, Any]:
    """Return the estimate document; raises BadInput.

    `quantization` is what the engine is told to make of the weights (`fp8`, `bitsandbytes`).
    `workload` is what the speed is predicted for; its `context` plays no part, `limits.max_model_len` does.
    The bill is judged at `confidence`, and each line of a device has the bytes that it stays below at it.
    With `simulate` (see `simulate.simulate`) requests are also played out one by one.
    """
    for flag, value in (("--tp", tensor), ("--pp", pipeline), ("--dp", data)):
        if value < 1:
            raise BadInput(f"is {value}", where=flag, expected="a whole number from 1 up")
    profile = at_confidence(find_engine(engine), confidence)
    loaded = as_wished(load_model(model), quantization, profile.name)
    kind, notes = find_gpu(gpu)
    layout = profile.layout(
        loaded,
        kind,
        limits or Limits(),
        tensor=tensor,
        pipeline=pipeline,
        data=data,
        expert_parallel=expert_parallel,
    )
    refusals = profile.refusals(loaded, layout, kind)
    if refusals:
        raise BadInput(f"{loaded.name} as {layout.label()}: {'; '.join(refusals)}", where=profile.name)
    sites = [usual_site(kind)]
    bill = profile.bill(loaded, layout, sites)
    reasons = [*bill.reasons, *shortfall(layout, bill, lambda other: profile.bill(loaded, other, sites))]
    speed, remarks = _speed(loaded, layout, sites, profile, bill, workload or Workload())
    played = play_out(loaded, layout, sites, profile, workload or Workload(), simulate) if simulate and speed else None
    return {
        "model": loaded.name,
        "engine": profile.name,
        "engine_version": profile.version,
        "gpu": kind.slug,
        "layout": layout.model_dump(mode="json"),
        "fits": bill.fits,
        "reasons": reasons,
        "kv_cache_tokens": bill.kv_cache_tokens,
        "max_concurrency": bill.max_concurrency,
        "sequences": bill.sequences,
        "per_device": [device.bounded_document() for device in bill.per_device],
        "speed": speed,
        **({"simulation": played} if played else {}),
        "assumptions": [
            *notes,
            *loaded.assumptions,
            *unbilled(profile.name, layout.options),
            *remarks,
            *local_profile.remarks(),
        ],
    }


def _speed(
    model: Model, layout: Layout, sites: list[Site], engine: Engine, bill: Bill, workload: Workload
) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
    """The `speed` entry with what it assumes; None when nothing would run, or when the GPU's rates are unknown."""
    if not bill.fits:
        return None, ()
    try:
        speed = predict(model, layout, sites, engine, workload)
    except BadInput as unknown:
        return None, (f"no speed: {unknown}",)
    return speed.document(), speed.assumptions
