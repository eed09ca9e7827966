"""GPUs that were found, matched with the catalogue; what it does not know is kept, with the memory it reports."""

import re
from dataclasses import dataclass, field
from typing import Any

from planner.errors import AmbiguousName, BadInput, UnknownName
from planner.fleet.discover.found import FoundGpu, FoundSlice
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.gpu_file import Raw
from planner.fleet.mig import MigProfile, mig_profiles, slice_of

_CLOSE = 0.06
"""How far the reported memory may lie from the catalogue's and still be that kind: ECC takes up to 6 %."""


@dataclass
class Matcher:
    """Finds the kind of each GPU; `kinds` are the entries that the inventory must bring itself.

    `wanted` maps names that the tool prints to kinds, as the user says.
    """

    catalogue: GpuCatalogue
    wanted: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, Raw] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _seen: dict[tuple[str, int | None, str], Gpu] = field(default_factory=dict)

    def kind(self, found: FoundGpu, where: str) -> Gpu:
        """Return the kind; raises BadInput for one that can be neither matched nor described."""
        key = found.name, found.memory_mib, found.vendor
        if key not in self._seen:
            self._seen[key] = self._match(found, where)
        return self._seen[key]

    def _match(self, found: FoundGpu, where: str) -> Gpu:
        name = self.wanted.get(found.name, found.name)
        memory = found.memory_mib / 1024 if found.memory_mib else None
        try:
            gpu, notes = self.catalogue.find(name, where=where, memory_gib=memory)
        except (UnknownName, AmbiguousName) as error:
            if found.memory_mib is None:
                hint = f"--kind '{found.name[:40]}=KIND' to say which"
                raise BadInput(error.problem, where=where, expected=hint) from None
            return self._own(found, {}, f"{found.name} is in no catalogue")
        self.notes += [note for note in notes if note not in self.notes]
        reported = found.memory_mib
        if reported and found.name not in self.wanted and not gpu.unified_memory:
            expected = gpu.driver_mib
            if abs(reported - expected) > _CLOSE * expected:
                like = self.catalogue.raw[gpu.slug] if self.catalogue.names(found.name) else {}
                return self._own(found, like, f"{found.name} has not the memory of {gpu.slug}")
        return gpu

    def _own(self, found: FoundGpu, like: Raw, why: str) -> Gpu:
        """Describe a kind that the catalogue lacks: what is known of it, and the memory that the driver reports."""
        mib = found.memory_mib or 0
        words = re.sub(r"[^a-z0-9]+", "-", found.name.lower()).strip("-") or "gpu"
        slug = f"{words[:60].removeprefix('nvidia-').removeprefix('amd-')}-{round(mib / 1024)}gib"
        raw: dict[str, Any] = {
            "vendor": found.vendor,
            "architecture": found.architecture or "unknown",
            **{
                key: value
                for key, value in like.items()
                if key not in ("aliases", "memory_range_gib", "notes", "source")
            },
            "slug": slug,
            "name": found.name,
            "memory_gib": round(mib / 1024 - min(0.02 * mib / 1024, 0.6), 2),
            "memory_basis": "nvidia-smi" if found.vendor == "nvidia" else "driver",
            "memory_reported_mib": mib,
        }
        raw.pop("memory_marketed_gb", None)
        self.kinds[slug] = {key: value for key, value in raw.items() if value is not None}
        known = self.catalogue.with_kinds([self.kinds[slug]], where=None, field="gpu_kinds")
        lacks = "" if like else "; its bandwidth and rates are unknown, so no speed can be predicted"
        self.notes.append(f"{why}: kept as {slug} with the {mib:,} MiB it reports{lacks}")
        self.catalogue = known
        return known.kinds[slug]


def profile_of(gpu: Gpu, piece: FoundSlice) -> MigProfile | None:
    """Return the MIG profile of a slice, by its name, else by its memory and units; None when nothing is like it."""
    profiles = mig_profiles(gpu.slug)
    if piece.profile:
        return profiles.get(piece.profile.partition("+")[0].lower())
    gib = piece.memory_mib / 1024

    def both(profile: MigProfile) -> bool:
        return bool(profile.multiprocessors and piece.multiprocessors)

    def unlike(profile: MigProfile) -> tuple[float, float]:
        expected = slice_of(gpu, profile).memory_gib
        units = abs((profile.multiprocessors or 0) - (piece.multiprocessors or 0)) if both(profile) else 0
        return round(abs(expected - gib) / gpu.memory_gib, 2), units

    best = min(profiles.values(), key=unlike, default=None)
    return best if best and unlike(best)[0] <= 0.04 else None
