"""The `estimate` verb: the memory bill of one layout on one GPU kind."""

from pathlib import Path
from typing import Any

from planner.engines import find_engine
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import gib


def estimate(
    model: str | Path,
    gpu: str,
    *,
    engine: str = "vllm",
    tensor: int = 1,
    pipeline: int = 1,
    data: int = 1,
    expert_parallel: bool = False,
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Return the estimate document of DESIGN section 4; raises BadInput."""
    for flag, value in (("--tp", tensor), ("--pp", pipeline), ("--dp", data)):
        if value < 1:
            raise BadInput(f"is {value}", where=flag, expected="a whole number from 1 up")
    profile, loaded = find_engine(engine), load_model(model)
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
    bill = profile.bill(loaded, layout, [usual_site(kind)])
    reasons = list(bill.reasons)
    if bill.sequences < 1:
        reasons.append(f"KV cache: one sequence of {layout.max_model_len:,} tokens is {gib(bill.short_bytes)} short")
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
        "per_device": [device.document() for device in bill.per_device],
        "speed": None,
        "assumptions": [*notes, *loaded.assumptions],
    }
