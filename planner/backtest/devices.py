"""The GPUs of a recorded run: by slug, by the words of the poster, or by the memory that was logged."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu, gpus
from planner.fleet.site import Site, usual_site
from planner.units import GB, GIB

_COUNTED = re.compile(r"(\d+)\s*x\s+(.+)", re.IGNORECASE)
_CLASS = re.compile(r"(\d+)\s*GB[ -](?:class|GPU)", re.IGNORECASE)
_KIND_CLASS = re.compile(r"(\w+)-class")
_MORE_THAN = re.compile(r">\s*(\d+) GB\b")
_SIZE = re.compile(r"\((?:total )?(\d+(?:\.\d+)?) Gi?B\b")
_NO_NAME = re.compile(r"\(.*?\)|sm_\d+|\d+\s*-?GPUs?\b|\d+ ?GB|^\d+ ", re.IGNORECASE)
_EITHER = re.compile(r"\d+ or \d+ ?GB not stated")
"""Words that leave the memory of a card open: `A100 (40 or 80GB not stated)`."""
_BORROWING = re.compile(r"\bWSL2?\b|[oO]n Windows|\bWindows 1[01]\b|\.exe\b")
_LENT = 8 * GIB
"""Windows, under WSL too, lends a GPU up to half of the host's memory, whatever its settings say (issue 11050 of
microsoft/WSL: 30 GiB were allocated on a card of 16): of hosts that rows do not tell at least that of 16 GiB."""
_LIKENESS = 0.02
"""Devices whose memory differs by less are taken to be of one size class."""


@dataclass(frozen=True)
class Devices:
    """The kinds in device order (one entry when all are alike), and the memory that a log states.

    `free_bytes` is what was free at the start, of each device or of the one whose lines were logged.
    `lent_bytes` is host memory that the driver lends. `named` is False when the kind was taken by its memory alone,
    `sized` False when not even the memory is known: then only what does not depend on the device can be compared.
    """

    kinds: tuple[Gpu, ...]
    total_bytes: int | None = None
    free_bytes: tuple[int, ...] = ()
    used_bytes: int = 0
    lent_bytes: int = 0
    named: bool = True
    sized: bool = True
    notes: tuple[str, ...] = ()

    @cached_property
    def gpus(self) -> tuple[Gpu, ...]:
        """The kinds with the memory that the log states in place of the catalogue's."""
        if self.total_bytes is None:
            return self.kinds
        return tuple(replace(kind, memory_gib=self.total_bytes / GIB, memory_basis="log") for kind in self.kinds)

    def repeated(self, count: int) -> "Devices":
        """Return `count` devices where one kind was named for all."""
        return replace(self, kinds=self.kinds * count) if len(self.kinds) == 1 and count > 1 else self

    def sites(self, stages: int) -> tuple[Site, ...]:
        """Site of each stage; of unequal cards each is a stage of its own."""
        free = self.free_bytes or (None,)
        places = [
            replace(
                usual_site(gpu),
                used_bytes=self.used_bytes,
                free_bytes=free[number % len(free)],
                lent_bytes=self.lent_bytes if gpu.vendor == "nvidia" else 0,
            )
            for number, gpu in enumerate(self.gpus)
        ]
        return tuple(places[stage % len(places)] for stage in range(max(stages, len(places))))


def lent_bytes(told: str) -> int:
    """Return what the driver lends where a row tells that it is that of Windows."""
    return _LENT if _BORROWING.search(told) else 0


def find_devices(
    slug: str | None,
    words: str | None,
    *,
    total_bytes: int | None = None,
    free_bytes: tuple[int, ...] = (),
    used_bytes: int = 0,
    marketed_gb: int | None = None,
    vendor: str | None = None,
) -> Devices:
    """Return the devices of a row.

    The slug beats the words; `marketed_gb` picks its sibling of another memory size. Where the words name
    no card, the logged total tells the kind (of the `vendor` that the engine runs on), else a size class in the
    words (`80GB-class GPU`), each with a note. Raises BadInput for a card that is named and not in the catalogue:
    a strange card must not be guessed.
    """
    logged = Devices((), total_bytes, free_bytes, used_bytes)
    if slug:
        found = replace(logged, kinds=(_variant(find_gpu(slug)[0], marketed_gb),))
        if _EITHER.search(words or "") and not total_bytes:
            return replace(found, sized=False, notes=(f"GPU {words}: its memory is not stated",))
        return found
    try:
        kinds, notes = _named(words or "")
        return replace(logged, kinds=kinds, notes=notes)
    except BadInput as unknown:
        size = total_bytes or _class_bytes(words or "")
        if size and not (total_bytes and _is_name(words or "")):
            kind = _nearest(size, [gpu for gpu in gpus().values() if vendor in (None, gpu.vendor)])
            note = f"GPU {words or 'not named'}: taken for {kind.slug} by its memory"
            return replace(logged, kinds=(kind,), named=False, notes=(note,))
        if _is_name(words or ""):
            raise BadInput(f"GPU {words!r} is not in the catalogue", field="gpu") from unknown
    stand_in = gpus()["h100-sxm5-80gb"]
    note = "GPU and its memory not named: only what does not depend on them is compared"
    return replace(logged, kinds=(stand_in,), named=False, sized=False, notes=(note,))


def _variant(kind: Gpu, marketed_gb: int | None) -> Gpu:
    """The sibling of a kind (`h20-sxm5-96gb`) with another memory size, where the catalogue has one."""
    if marketed_gb in (None, kind.memory_marketed_gb):
        return kind
    family = kind.slug.split("-")[0]
    return next(
        (gpu for gpu in gpus().values() if gpu.slug.split("-")[0] == family and gpu.memory_marketed_gb == marketed_gb),
        kind,
    )


def _named(words: str) -> tuple[tuple[Gpu, ...], tuple[str, ...]]:
    """`2x RTX 3090 + 1x RTX A4000` -> three devices; raises BadInput."""
    found: list[Gpu] = []
    notes: list[str] = []
    for part in re.split(r"\s*\+\s*", re.sub(r"\(.*?\)", "", words).split(",")[0].strip()):
        counted = _COUNTED.fullmatch(part)
        kind, assumed = find_gpu(counted[2] if counted else part)
        found += [kind] * (int(counted[1]) if counted else 1)
        notes += assumed
    return tuple(found), tuple(notes)


def _is_name(words: str) -> bool:
    """Whether the words name a card (`RTX 4090 D`) and not just any (`2 consumer GPUs`, `80GB-class`)."""
    return bool(re.search(r"[A-Za-z][ -]?\d", _NO_NAME.sub("", words)))


def _class_bytes(words: str) -> int | None:
    """Memory that the words give: `80GB-class`, `B200-class`, `AMD Instinct (287.18 GB ...)`."""
    if match := _CLASS.search(words):
        sizes = [kind.memory_bytes for kind in gpus().values() if kind.memory_marketed_gb == int(match[1])]
        return max(sizes, default=None)
    if match := _MORE_THAN.search(words):
        return min((k.memory_bytes for k in gpus().values() if k.memory_bytes > int(match[1]) * GB), default=None)
    if match := _SIZE.search(words):
        return int(float(match[1]) * GIB)
    try:
        match = _KIND_CLASS.search(words)
        return find_gpu(match[1])[0].memory_bytes if match else None
    except BadInput:
        return None


def _nearest(size: int, kinds: Sequence[Gpu] | None = None) -> Gpu:
    """The kind whose memory is nearest to `size` bytes; raises BadInput when none is of its class."""
    kind = min(kinds or gpus().values(), key=lambda gpu: abs(gpu.memory_bytes - size))
    if abs(kind.memory_bytes - size) > _LIKENESS * size:
        raise BadInput(f"no GPU of the catalogue has {size / GIB:.2f} GiB", field="gpu")
    return kind
