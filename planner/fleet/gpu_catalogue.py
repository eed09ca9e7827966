"""The GPU kinds of `hardware/gpus.yaml` and of the user's own files, found by any name people use for them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from planner.data_files import data_path
from planner.errors import AmbiguousName, UnknownName
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_file import Raw, laid_over, read_gpu_file
from planner.fleet.user_files import gpu_files
from planner.near_names import near_names, normalise

_BRANDS = re.compile(r"\b(nvidia|amd|intel|geforce|tesla|instinct|radeon|rtx|gpu|generation|graphics)\b")
_MEMORY = re.compile(r"\b(\d+)\s*g(?:i?b)?\b")


@dataclass(frozen=True)
class GpuCatalogue:
    """GPU kinds by slug. `origins` names the user's file of each kind that does not come from ours."""

    kinds: dict[str, Gpu]
    raw: dict[str, Raw] = field(repr=False)
    origins: dict[str, str] = field(default_factory=dict)

    def find(self, name: str, *, where: str | None = None, memory_gib: float | None = None) -> tuple[Gpu, list[str]]:
        """Return the GPU kind of a name, and what was assumed to get there.

        A name that leaves only the form factor open takes the socketed part and says so; `memory_gib`, what
        the device itself reports, decides between sizes. `KIND:3g.40gb` is a MIG slice, `KIND:1/6` a share.
        Raises UnknownName with near names, or AmbiguousName when the memory size is open too.
        """
        base, colon, part = name.partition(":")
        if colon:
            from planner.fleet.gpu_part import part_of

            whole, notes = self.find(base, where=where)
            return part_of(whole, part, where=where), notes
        if name in self.kinds:
            return self.kinds[name], []
        slugs = self._named(name)
        if not slugs:
            known = [*self.kinds, *(alias for gpu in self.kinds.values() for alias in gpu.aliases)]
            raise UnknownName("gpu", name, near_names(name, known), where=where)
        return self._chosen(name, [self.kinds[slug] for slug in slugs], where, memory_gib)

    def names(self, name: str) -> bool:
        """Whether this is the full name of a kind, not words of one."""
        return any(key in self._by_name for key in _keys(name))

    def with_kinds(self, entries: Iterable[Any], *, where: str | None, field: str) -> "GpuCatalogue":
        """Return the catalogue with more kinds, or other figures for known ones, laid over it."""
        return self.over(laid_over(list(entries), self.raw, where=where, field=(field,)), where or "the inventory")

    def over(self, found: dict[str, tuple[Raw, Gpu]], origin: str) -> "GpuCatalogue":
        """Return the catalogue with these entries in the place of those of the same slug."""
        return GpuCatalogue(
            {**self.kinds, **{slug: gpu for slug, (_, gpu) in found.items()}},
            {**self.raw, **{slug: raw for slug, (raw, _) in found.items()}},
            {**self.origins, **dict.fromkeys(found, origin)},
        )

    def _chosen(
        self, name: str, candidates: list[Gpu], where: str | None, memory_gib: float | None
    ) -> tuple[Gpu, list[str]]:
        if memory_gib is not None and len(candidates) > 1:
            nearest = min(abs(gpu.memory_gib - memory_gib) for gpu in candidates)
            candidates = [gpu for gpu in candidates if abs(gpu.memory_gib - memory_gib) <= nearest + 0.5]
        if len(candidates) == 1:
            return candidates[0], []
        socketed = [gpu for gpu in candidates if gpu.socketed]
        slugs = [gpu.slug for gpu in candidates]
        if len({gpu.memory_marketed_gb for gpu in candidates}) > 1 or len(socketed) > 1:
            raise AmbiguousName("gpu", name, slugs, where=where)
        chosen = (socketed or candidates)[0]
        others = ", ".join(slug for slug in slugs if slug != chosen.slug)
        return chosen, [f"GPU {name!r} read as {chosen.slug} (also: {others})"]

    def _named(self, name: str) -> list[str]:
        """Slugs that answer to a name: as a full name, then as words of one."""
        for key in sorted(_keys(name), key=len, reverse=True):
            if key in self._by_name:
                return self._by_name[key]
        words = _words(_BRANDS.sub(" ", name.lower()))
        return [slug for slug, known in self._words_by_slug.items() if words <= known] if words else []

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        """Slugs of each normalised full name: slug, name and aliases, with and without brand words."""
        names: dict[str, list[str]] = {}
        for slug, gpu in self.kinds.items():
            for key in dict.fromkeys(key for text in (slug, gpu.name, *gpu.aliases) for key in _keys(text)):
                names.setdefault(key, []).append(slug)
        return names

    @cached_property
    def _words_by_slug(self) -> dict[str, set[str]]:
        return {
            slug: _words(" ".join((slug, gpu.name, *gpu.aliases, f"{gpu.memory_marketed_gb or 0:g}gb")))
            for slug, gpu in self.kinds.items()
        }


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+|[0-9]+", _MEMORY.sub(r"\1gb", text.lower())))


def _keys(text: str) -> set[str]:
    plain = _MEMORY.sub(r"\1gb", re.sub(r"[-_ ]+", " ", text.lower()))
    return {key for key in (normalise(plain), normalise(_BRANDS.sub(" ", plain))) if key}


def catalogue() -> GpuCatalogue:
    """Return our kinds with the user's files laid over them."""
    return _catalogue(gpu_files())


@cache
def _catalogue(files: tuple[Path, ...]) -> GpuCatalogue:
    if files:
        known = _catalogue(files[:-1])
        return known.over(read_gpu_file(files[-1], known.raw), str(files[-1]))
    found = read_gpu_file(data_path("hardware", "gpus.yaml"), {})
    return GpuCatalogue(
        {slug: gpu for slug, (_, gpu) in found.items()}, {slug: raw for slug, (raw, _) in found.items()}
    )


def gpus() -> dict[str, Gpu]:
    """All whole GPU kinds by slug, ours in file order, then the user's."""
    return catalogue().kinds


def gpu_of(slug: str) -> Gpu:
    """Return the kind of a slug, slices and shares too (`a100-sxm4-80gb:3g.40gb`); raises UnknownName."""
    kinds = catalogue().kinds
    return kinds[slug] if slug in kinds else catalogue().find(slug)[0]


def find_gpu(name: str, *, where: str | None = None) -> tuple[Gpu, list[str]]:
    """Return the GPU kind of a name and what was assumed; `GpuCatalogue.find` on the whole catalogue."""
    return catalogue().find(name, where=where)
