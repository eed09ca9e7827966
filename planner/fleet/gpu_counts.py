"""Counted GPUs as people write them: `8xH100-SXM`, `L40S`, `2x A100-80GB:3g.40gb`."""

import re

from planner.errors import BadInput
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.limits import MOST_GPUS_A_NODE

_COUNTED = re.compile(r"\s*(?:(\d+)\s*x\s*)?(.+?)\s*", re.IGNORECASE | re.DOTALL)
_LONGEST = 100


def read_gpus(
    text: str,
    kinds: GpuCatalogue,
    *,
    packages: bool = True,
    where: str | None = None,
    field: str | None = None,
) -> tuple[list[Gpu], list[str]]:
    """Return the devices that a text counts, and what was assumed.

    `packages` counts them as they are sold: one MI250 is two devices. Raises BadInput for a count below 1 or
    beyond a node, UnknownName or AmbiguousName for the kind.
    """
    match = _COUNTED.fullmatch(text) if len(text) <= _LONGEST else None
    if not match:
        raise BadInput(f"is {text[:40]!r}", where=where, field=field, expected="8xH100-SXM")
    count = whole_number(match[1] or "1")
    if not 1 <= count <= MOST_GPUS_A_NODE:
        most = f"1 to {MOST_GPUS_A_NODE:,} GPUs a node"
        raise BadInput(f"is {text.strip()!r}", where=where, field=field, expected=most)
    gpu, notes = kinds.find(match[2], where=f"{where}: {field}" if where and field else where or field)
    notes = list(notes)
    if packages and gpu.devices_per_package > 1:
        count *= gpu.devices_per_package
        notes.append(f"{text.strip()}: {count} devices of {gpu.memory_gib:g} GiB, {gpu.devices_per_package} a package")
    return [gpu] * count, notes


def whole_number(digits: str) -> int:
    """Read decimal digits; a number too long to be meant is cut to 10^18."""
    return int(digits) if len(digits) <= 18 else 10**18
