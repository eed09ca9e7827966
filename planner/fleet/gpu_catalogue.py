"""The GPU kinds of `hardware/gpus.yaml`, found by any name people use for them."""

import re
from functools import cache
from typing import Any

from planner.data_files import data_path, read_yaml
from planner.errors import AmbiguousName, BadInput, UnknownName
from planner.fleet.gpu import Gpu
from planner.near_names import near_names, normalise

_BRANDS = re.compile(r"\b(nvidia|amd|intel|geforce|tesla|instinct|radeon|rtx|quadro|gpu)\b")


@cache
def gpus() -> dict[str, Gpu]:
    """All GPU kinds by slug, in file order."""
    path = data_path("hardware", "gpus.yaml")
    return {entry["slug"]: _gpu(entry) for entry in read_yaml(path)["gpus"]}


def _gpu(entry: dict[str, Any]) -> Gpu:
    link, pcie = entry.get("link") or {}, entry.get("pcie") or {}
    try:
        return Gpu(
            slug=entry["slug"],
            name=entry["name"],
            vendor=entry["vendor"],
            architecture=entry["architecture"],
            memory_gib=entry["memory_gib"],
            memory_basis=entry["memory_basis"],
            memory_bandwidth_gbps=entry["memory_bandwidth_gbps"],
            dense_tflops=entry["dense_tflops"],
            native=tuple(entry.get("native", ())),
            compute_capability=entry.get("compute_capability"),
            link_kind=link.get("kind"),
            link_gbps=link.get("per_direction_gbps") or 0.0,
            pcie_generation=pcie.get("generation"),
            pcie_lanes=pcie.get("lanes", 16),
            unified_memory=entry.get("unified_memory", False),
            devices_per_package=entry.get("devices_per_package", 1),
            form_factor=entry.get("form_factor") or "",
            tdp_w=entry.get("tdp_w"),
            memory_marketed_gb=entry.get("memory_marketed_gb"),
            memory_reported_mib=entry.get("memory_reported_mib"),
            aliases=tuple(entry.get("aliases", ())),
            notes=entry.get("notes", ""),
        )
    except KeyError as missing:
        where = data_path("hardware", "gpus.yaml")
        raise BadInput("is missing", where=where, field=f"{entry.get('slug', 'gpus')}.{missing.args[0]}") from None


@cache
def _by_name() -> dict[str, list[str]]:
    """Slugs of each normalised full name: slug, name and aliases, with and without brand words."""
    names: dict[str, list[str]] = {}
    for slug, gpu in gpus().items():
        for name in {key for text in (slug, gpu.name, *gpu.aliases) for key in _keys(text)}:
            names.setdefault(name, []).append(slug)
    return names


def _keys(text: str) -> set[str]:
    plain = re.sub(r"[-_ ]+", " ", text.lower())
    keys = {normalise(plain), normalise(_BRANDS.sub(" ", plain))}
    return {key for key in keys if key}


def find_gpu(name: str, *, where: str | None = None) -> tuple[Gpu, list[str]]:
    """Return the GPU kind of a name, and what was assumed to get there.

    A name that leaves only the form factor open takes the socketed part and says so. Raises
    UnknownName with near names, or AmbiguousName when the memory size is open too.
    """
    if name in gpus():
        return gpus()[name], []
    slugs = next((_by_name()[key] for key in _ordered_keys(name) if key in _by_name()), None)
    if slugs is None:
        slugs = _containing(name)
    if not slugs:
        known = [*gpus(), *(alias for gpu in gpus().values() for alias in gpu.aliases)]
        raise UnknownName("gpu", name, near_names(name, known), where=where)
    candidates = [gpus()[slug] for slug in slugs]
    if len(candidates) == 1:
        return candidates[0], []
    socketed = [gpu for gpu in candidates if gpu.socketed]
    if len({gpu.memory_marketed_gb for gpu in candidates}) > 1 or len(socketed) > 1:
        raise AmbiguousName("gpu", name, slugs, where=where)
    chosen = (socketed or candidates)[0]
    others = ", ".join(slug for slug in slugs if slug != chosen.slug)
    return chosen, [f"GPU {name!r} read as {chosen.slug} (also: {others})"]


def _ordered_keys(name: str) -> list[str]:
    return sorted(_keys(name), key=len, reverse=True)


def _containing(name: str) -> list[str]:
    """Slugs whose words contain all the words of a short form: `pro 6000 server`, `3090`."""
    words = set(re.findall(r"[a-z]+|[0-9]+", _BRANDS.sub(" ", name.lower())))
    if not words:
        return []
    return [
        slug
        for slug, gpu in gpus().items()
        if words <= set(re.findall(r"[a-z]+|[0-9]+", " ".join((slug, gpu.name, *gpu.aliases)).lower()))
    ]
