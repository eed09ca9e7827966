"""The `size` verb: how many GPUs of each kind a model needs, what binds, and what one step more buys."""

from pathlib import Path
from typing import Any

from planner.engines import find_engine
from planner.errors import AmbiguousName
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu, gpus
from planner.layout import Limits
from planner.models.source import load_model
from planner.request import ModelRequest
from planner.solve.minimum import Minimum, fewest_gpus
from planner.units import gib
from planner.workload import Workload

COMMON = (
    "l4",
    "l40s",
    "rtx-4090",
    "a100-sxm4-40gb",
    "a100-sxm4-80gb",
    "h100-sxm5-80gb",
    "h200-sxm5-141gb",
    "b200-sxm-180gb",
    "mi300x",
)


def size(
    model: str | Path,
    gpu: list[str] | None = None,
    *,
    context: int | None = None,
    concurrency: int = 1,
    engine: str = "vllm",
    limits: Limits | None = None,
) -> dict[str, Any]:
    """Return the least count for each kind; a name that leaves the memory size open is answered for each size."""
    workload = Workload.parse({"context": context, "concurrency": concurrency}, where="workload")
    wanted = ModelRequest(model=str(model), engine=engine, workload=workload, limits=limits or Limits())
    profile, loaded = find_engine(engine), load_model(model)
    kinds, assumptions = _kinds(gpu or list(COMMON))
    answers = []
    for kind in kinds:
        least = fewest_gpus(loaded, profile, wanted, kind)
        more = fewest_gpus(loaded, profile, wanted, kind, above=least.gpus) if least else None
        answers.append(_answer(kind, wanted, least, more))
    answers.sort(key=lambda a: (a["gpus"] is None, a["gpus"] or 0))
    return {
        "model": loaded.name,
        "engine": profile.name,
        "engine_version": profile.version,
        "workload": workload.model_dump(),
        "sizes": answers,
        "assumptions": [*assumptions, *loaded.assumptions],
    }


def _kinds(names: list[str]) -> tuple[list[Gpu], list[str]]:
    found: dict[str, Gpu] = {}
    notes: list[str] = []
    for name in names:
        try:
            gpu, assumed = find_gpu(name)
            found[gpu.slug] = gpu
            notes += assumed
        except AmbiguousName as several:
            found |= {slug: gpus()[slug] for slug in several.candidates}
            notes.append(f"GPU {name!r} read as each of {', '.join(several.candidates)}")
    return list(found.values()), notes


def _answer(gpu: Gpu, wanted: ModelRequest, least: Minimum | None, more: Minimum | None) -> dict[str, Any]:
    if least is None:
        return {
            "gpu": gpu.slug,
            "gpus": None,
            "layout": None,
            "replicas": 0,
            "sequences": 0,
            "binds": "no layout fits on 8 nodes of 8",
            "next": None,
        }
    return {
        "gpu": gpu.slug,
        "gpus": least.gpus,
        "layout": least.shape.layout.label(),
        "replicas": least.replicas,
        "sequences": least.sequences,
        "binds": _binds(least),
        "next": {"gpus": more.gpus, "layout": more.describe(), "sequences": more.sequences} if more else None,
    }


def _binds(least: Minimum) -> str:
    device = max(least.shape.bill.per_device, key=lambda d: d.weights_bytes)
    part = "weights" if 2 * device.weights_bytes > device.usable_bytes else "KV cache"
    weights, cache, usable = gib(device.weights_bytes), gib(device.kv_cache_bytes), gib(device.usable_bytes)
    return f"{part}: {weights} weights, {cache} cache of {usable} usable"
