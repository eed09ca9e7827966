"""The bill of what a command, file or folder launches: read, resolved as the engine would, added up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner import engines
from planner.confidence import CONFIDENCE
from planner.engines import find_engine, local_profile
from planner.engines.shortfall import shortfall
from planner.engines.unbilled import unbilled
from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import Site, usual_site
from planner.launch.launch import Launch
from planner.launch.layout import layout_of, model_of, settled
from planner.launch.source import read_all
from planner.launch.stages import Place


def verify(
    source: str | Path, gpu: str | None = None, model: str | None = None, confidence: float = CONFIDENCE
) -> dict[str, Any]:
    """Read every launch of `source` and bill it; `gpu` and `model` beat what the files name. Raises BadInput."""
    launches = [bill(_of_model(launch, model), gpu, confidence) for launch in read_all(source)]
    return {"source": str(source), "fits": all(one["fits"] for one in launches), "launches": launches}


def bill(launch: Launch, gpu: str | None = None, confidence: float = CONFIDENCE) -> dict[str, Any]:
    """Return the estimate document of one launch, with its copies, its unknown flags and where it stands."""
    profile, model = find_engine(launch.engine, launch.version), model_of(launch)
    sites, notes = _sites(launch, gpu)
    settled_launch = settled(launch, model)
    layout = layout_of(settled_launch, model, sites[0].gpu)
    layout = engines.on_sites(profile, model, layout, sites, launch.limits)
    refusals = profile.refusals(model, layout, sites[0].gpu)
    found = profile.bill(model, layout, sites, confidence)
    short = shortfall(layout, found, lambda other: profile.bill(model, other, sites, confidence))
    reasons = [*refusals, *found.reasons, *short]
    return {
        "where": launch.where,
        "model": model.name,
        "engine": launch.engine,
        "engine_version": launch.version or profile.version,
        "gpu": ", ".join(dict.fromkeys(site.gpu.slug for site in sites)),
        "copies": settled_launch.copies,
        "layout": layout.model_dump(mode="json"),
        "fits": found.fits and not refusals,
        "reasons": reasons,
        "kv_cache_tokens": found.kv_cache_tokens,
        "max_concurrency": found.max_concurrency,
        "sequences": found.sequences,
        "per_device": [device.document() for device in found.per_device],
        "unknown_flags": list(launch.unknown),
        "assumptions": [
            *notes,
            *launch.notes,
            *unbilled(launch.engine, layout.options),
            *model.assumptions,
            *local_profile.remarks(),
        ],
    }


def _of_model(launch: Launch, model: str | None) -> Launch:
    """The launch with the model that its own name (often a path of another machine) stands for."""
    if model is None or model == launch.model:
        return launch
    return replace(launch, model=model).saying(f"{launch.model!r} taken as {model}, as --model says")


def _sites(launch: Launch, gpu: str | None) -> tuple[list[Site], list[str]]:
    places = [Place(gpu)] if gpu else list(launch.places)
    if not places:
        raise BadInput("names no GPU kind", where=launch.where, expected="--gpu KIND")
    kinds = [find_gpu(place.gpu, where=launch.where) for place in places]
    sites = [_site(kind, place) for (kind, _), place in zip(kinds, places, strict=True)]
    return sites, list(dict.fromkeys(note for _, notes in kinds for note in notes))


def _site(gpu: Gpu, place: Place) -> Site:
    """Where a stage lies: the usual machine of its GPU kind, with what the file says otherwise."""
    usual = usual_site(gpu)
    return replace(usual, link=place.link or usual.link, used_bytes=place.used_bytes)
