"""The header of a safetensors file: its length in eight bytes, then JSON (docs/source/metadata_parsing.mdx)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.models.dtype import BF16, BOOL, E8M0, F16, F32, F64, FP4, FP8, FP8_E5M2, INT8, INT16, INT32, INT64, UINT8
from planner.models.weights.stored import Stored

LONGEST = 100_000_000
"""Bytes of the longest header that the format allows (safetensors/src/tensor.rs, MAX_HEADER_SIZE)."""
_PREFIX = 8
_MOST_DIMENSIONS = 16

_TYPES = {
    "F64": F64, "F32": F32, "F16": F16, "BF16": BF16, "F8_E4M3": FP8, "F8_E5M2": FP8_E5M2, "F8_E8M0": E8M0,
    "F4": FP4, "I64": INT64, "I32": INT32, "I16": INT16, "I8": INT8, "U8": UINT8, "BOOL": BOOL,
    "U16": INT16, "U32": INT32, "U64": INT64,
}  # fmt: skip


def read_header(path: Path) -> list[Stored]:
    """Read the header of one file, never its data; raises BadInput when it is not a whole safetensors file."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            length = header_length(file.read(_PREFIX), path)
            if _PREFIX + length > size:
                raise BadInput(f"ends inside its header: {size:,} bytes, the header alone takes {length:,}", where=path)
            return parse_header(file.read(length), path, size - _PREFIX - length)
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror or error}", where=path) from None


def header_length(prefix: bytes, where: str | Path) -> int:
    """Length of the JSON that follows the first eight bytes; raises BadInput."""
    if len(prefix) < _PREFIX:
        raise BadInput("is too short for a safetensors file", where=where)
    length = int.from_bytes(prefix, "little")
    if not 2 <= length <= LONGEST:
        raise BadInput(f"says its header takes {length:,} bytes", where=where, expected=f"2 to {LONGEST:,}")
    return length


def parse_header(raw: bytes, where: str | Path, data_bytes: int | None = None) -> list[Stored]:
    """Return the tensors of a header; `data_bytes` is what follows it in the file, where known. Raises BadInput."""
    try:
        entries = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadInput("has a header that is not JSON", where=where) from None
    if not isinstance(entries, Mapping):
        raise BadInput("has a header that is no object", where=where)
    described = {str(name): entry for name, entry in entries.items() if name != "__metadata__"}
    found = [stored_entry(name, entry, where, data_bytes) for name, entry in described.items()]
    ends = 0
    for first, last in sorted(entry["data_offsets"] for entry in described.values()):
        if first < ends:
            raise BadInput("lists tensors that overlap", where=where)
        ends = last
    return found


def stored_entry(name: str, entry: Any, where: str | Path, data_bytes: int | None) -> Stored:
    """Return the tensor that one entry of a header describes; raises BadInput."""
    field = name if len(name) <= 80 else f"{name[:77]}..."
    if not isinstance(entry, Mapping):
        raise BadInput("is no object", where=where, field=field, expected="dtype, shape and data_offsets")
    kind, shape, offsets = entry.get("dtype"), _whole(entry.get("shape")), _whole(entry.get("data_offsets"))
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadInput(f"is {str(kind)[:40]!r}", where=where, field=f"{field}.dtype", expected=", ".join(_TYPES))
    if shape is None or len(shape) > _MOST_DIMENSIONS:
        shown = str(entry.get("shape"))[:40]
        raise BadInput(f"is {shown}", where=where, field=f"{field}.shape", expected="whole numbers from 0")
    tensor = Stored(name, _TYPES[kind], tuple(shape), str(where))
    if offsets is None or len(offsets) != 2 or offsets[1] - offsets[0] != tensor.bytes:
        expected, shown = f"two offsets {tensor.bytes:,} bytes apart", str(entry.get("data_offsets"))[:40]
        raise BadInput(f"is {shown}", where=where, field=f"{field}.data_offsets", expected=expected)
    if data_bytes is not None and offsets[1] > data_bytes:
        expected = f"at most {data_bytes:,}: the file is cut short"
        raise BadInput(f"ends at {offsets[1]:,}", where=where, field=f"{field}.data_offsets", expected=expected)
    return tensor


def _whole(values: Any) -> list[int] | None:
    """The values when they are a list of whole numbers from 0."""
    whole = isinstance(values, list) and all(
        isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 for value in values
    )
    return values if whole else None
