"""MIG: the slices that `hardware/mig.yaml` allows on a GPU, each a GPU kind of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations_with_replacement
from typing import Any

from planner.data_files import data_path, read_yaml
from planner.errors import BadInput, UnknownName
from planner.fleet.gpu import Gpu
from planner.near_names import near_names


@dataclass(frozen=True)
class MigProfile:
    """One way to slice a GPU: `size` of its memory slices from one of `starts`, and a share of its compute units."""

    name: str
    size: int
    starts: tuple[int, ...]
    memory_share: float
    compute_share: float
    most: int
    memory_gib: float | None
    multiprocessors: int | None


@cache
def mig_profiles(slug: str) -> dict[str, MigProfile]:
    """Profiles of a GPU kind by name, smallest first; empty for a kind without MIG."""
    content = read_yaml(data_path("hardware", "mig.yaml"))
    group = next((group for group in content["mig"] if slug in group["gpu_slugs"]), None)
    if group is None:
        return {}
    geometry = content["geometries"][group["geometry"]]
    profiles = [_profile(entry, group, geometry) for entry in group["profiles"]]
    return {profile.name: profile for profile in profiles}


def _profile(entry: dict[str, Any], group: dict[str, Any], geometry: dict[str, Any]) -> MigProfile:
    name, compute = entry["profile"], entry["compute_slices"]
    place = geometry["placements"][f"{compute}g"]
    if compute == 1 and entry["max_instances"] < len(place["starts"]):
        place = geometry["placements"]["double"]
    smallest = group["profiles"][0].get("sm_count", 0)
    units, all_units = entry.get("sm_count", smallest * compute), group.get("gpu_sm_count")
    return MigProfile(
        name=name,
        size=place["size"],
        starts=tuple(place["starts"]),
        memory_share=place["size"] / geometry["memory_slices"],
        compute_share=units / all_units if units and all_units else compute / geometry["compute_slices"],
        most=entry["max_instances"],
        memory_gib=entry.get("memory_gib_reported"),
        multiprocessors=entry.get("sm_count"),
    )


def mig_profile(gpu: Gpu, name: str, *, where: str | None = None, field: str | None = None) -> MigProfile:
    """Return one profile of a GPU kind (`3g.40gb`, `MIG 1g.10gb+me`); raises BadInput or UnknownName."""
    profiles = mig_profiles(gpu.slug)
    plain = name.strip().lower().removeprefix("mig").strip(" -").partition("+")[0]
    if not profiles:
        raise BadInput(f"{gpu.slug} has no MIG, so no {name!r}", where=where, field=field, expected="a whole GPU")
    if plain not in profiles:
        raise UnknownName(
            f"MIG profile of {gpu.slug}", name, near_names(plain, profiles) or list(profiles), where=where
        )
    return profiles[plain]


def slice_of(gpu: Gpu, profile: MigProfile) -> Gpu:
    """Return the slice as a GPU kind: its memory as the driver reports it, its share of bandwidth and compute.

    A slice is linked to no other device: neither NVLink nor peer access works between MIG instances (NVIDIA
    MIG user guide, application considerations).
    """
    return replace(
        gpu,
        slug=f"{gpu.slug}:{profile.name}",
        name=f"{gpu.name} MIG {profile.name}",
        memory_gib=_memory_gib(gpu, profile),
        memory_basis="nvidia-smi mig -lgip" if profile.memory_gib else "share of the whole GPU",
        memory_bandwidth_gbps=_share(gpu.memory_bandwidth_gbps, profile.memory_share),
        dense_tflops={dtype: rate * profile.compute_share for dtype, rate in gpu.dense_tflops.items()},
        link_kind=None,
        link_gbps=0.0,
        tdp_w=_share(gpu.tdp_w, profile.compute_share),
        memory_marketed_gb=None,
        memory_reported_mib=None,
        aliases=(),
        parent=gpu.slug,
        part=profile.name,
    )


def _memory_gib(gpu: Gpu, profile: MigProfile) -> float:
    """What the driver reports, never above the slice's share of a GPU whose own memory was measured."""
    share = gpu.memory_gib * profile.memory_share
    if profile.memory_gib is not None:
        return profile.memory_gib if gpu.memory_basis == "marketed" else min(profile.memory_gib, share)
    return share * (1.0 if profile.memory_share == 1 else 0.9 if profile.memory_share < 0.25 else 0.98)


def _share(figure: float | None, share: float) -> float | None:
    return figure * share if figure else None


def placements(profiles: Sequence[MigProfile]) -> tuple[int, ...] | None:
    """First memory slice of each of these slices so that none overlap, or None when they cannot live together."""
    order = sorted(range(len(profiles)), key=lambda i: (-profiles[i].size, len(profiles[i].starts), i))
    found = _place([profiles[i] for i in order], frozenset())
    if found is None:
        return None
    starts = dict(zip(order, found, strict=True))
    return tuple(starts[i] for i in range(len(profiles)))


def _place(profiles: Sequence[MigProfile], taken: frozenset[int]) -> tuple[int, ...] | None:
    if not profiles:
        return ()
    first, *rest = profiles
    for start in first.starts:
        span = frozenset(range(start, start + first.size))
        if not span & taken and (tail := _place(rest, taken | span)) is not None:
            return (start, *tail)
    return None


@cache
def mig_cuttings(slug: str) -> tuple[tuple[str, ...], ...]:
    """All maximal ways to cut a GPU kind: profile names, largest first; none leaves room for a further slice."""
    profiles = mig_profiles(slug)
    largest_first = sorted(profiles.values(), key=lambda p: (-p.size, p.name))
    most = max((profile.most for profile in profiles.values()), default=0)
    legal = [
        combination
        for count in range(1, most + 1)
        for combination in combinations_with_replacement(largest_first, count)
        if placements(combination) is not None
    ]
    return tuple(
        tuple(profile.name for profile in combination)
        for combination in legal
        if all(placements((*combination, profile)) is None for profile in profiles.values())
    )
