"""Bytes, GiB and rates: integers inside, units only at the edge."""

import re

from planner.errors import BadInput

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
GB = 10**9
_UNITS = {
    "": 1, "b": 1,
    "k": 10**3, "kb": 10**3, "kib": KIB,
    "m": 10**6, "mb": 10**6, "mib": MIB,
    "g": 10**9, "gb": 10**9, "gib": GIB,
    "t": 10**12, "tb": 10**12, "tib": TIB,
}  # fmt: skip


_SHOWN_GIB, _LEAST_MIB = 0.01, 0.1


def gib(size: float) -> str:
    """Write bytes as GiB with two decimals: `79.19 GiB`."""
    return f"{size / GIB:,.2f} GiB"


def lack(size: float) -> str:
    """Write bytes that are missing: as GiB, or as MiB where too few for two decimals of GiB."""
    return gib(size) if size >= _SHOWN_GIB * GIB else f"{max(size / MIB, _LEAST_MIB):.1f} MiB"


def parse_size(text: str | int, *, where: str | None = None, field: str | None = None) -> int:
    """Read `24GiB`, `80 GB`, `512MiB` or plain bytes into bytes (decimal and binary units kept apart)."""
    if isinstance(text, int):
        return text
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)\s*", text)
    if not match or match[2].lower() not in _UNITS:
        raise BadInput(
            f"{text!r} is no size",
            where=where,
            field=field,
            expected="bytes, or a number with GiB, GB, MiB ...",
        )
    return int(float(match[1]) * _UNITS[match[2].lower()])


def ceil_div(dividend: int, divisor: int) -> int:
    """Divide and round up."""
    return -(-dividend // divisor)


def round_up(value: int, multiple: int) -> int:
    """Smallest multiple of `multiple` that is at least `value`."""
    return ceil_div(value, multiple) * multiple


def count(number: int, noun: str) -> str:
    """`1 GPU`, `2 GPUs`: a number with its noun."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
