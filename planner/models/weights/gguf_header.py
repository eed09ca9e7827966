"""The header of a GGUF file: metadata and tensor list (ggml/docs/gguf.md).

Read here rather than by gguf.GGUFReader, which makes an array of every token of the vocabulary: seconds for large ones.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.models.dtype import F64, INT8, INT16, INT32, INT64, DType
from planner.models.quantization.gguf_types import GGUF_TYPES
from planner.models.weights.stored import Stored

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_KEPT = 1 << 16
"""Entries of the longest array whose values are kept; of a longer one only the length counts."""
_MOST_DIMENSIONS = 4
_VERSIONS = (2, 3)
_TYPE_NUMBERS = {
    0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K",
    13: "Q5_K", 14: "Q6_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
    22: "IQ2_S", 23: "IQ4_XS", 29: "IQ1_M", 30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4", 40: "NVFP4",
}  # fmt: skip
_WHOLE_NUMBERS = {24: INT8, 25: INT16, 26: INT32, 27: INT64, 28: F64}


@dataclass(frozen=True)
class Gguf:
    """What a header says; a long array in `metadata` is its length alone."""

    metadata: Mapping[str, Any]
    tensors: tuple[Stored, ...]


def read_gguf(path: Path) -> Gguf:
    """Read the header of one file, never its data; raises BadInput when it is no whole GGUF file."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return _Reader(content, path).header()
    except (OSError, ValueError) as error:
        raise BadInput(f"cannot be read: {error}", where=path) from None


class _Reader:
    """Walks over a header; every length is held against what is left of the file."""

    def __init__(self, content: mmap.mmap, path: Path) -> None:
        self.content, self.path, self.at, self.size = content, path, 0, len(content)

    def header(self) -> Gguf:
        if self.take(4) != b"GGUF":
            raise BadInput("does not begin as a GGUF file", where=self.path)
        version = self.scalar("I")
        if version not in _VERSIONS:
            raise BadInput(f"is GGUF version {version}", where=self.path, expected="2 or 3, little-endian")
        tensors, entries = self.scalar("Q"), self.scalar("Q")
        metadata = {}
        for _ in range(self.possible(entries, 13, "metadata entries")):
            key = self.text()
            metadata[key] = self.value(self.scalar("I"))
        stored = [self.tensor() for _ in range(self.possible(tensors, 25, "tensors"))]
        return Gguf(metadata, tuple(stored))

    def tensor(self) -> Stored:
        name, dimensions = self.text(), self.scalar("I")
        if dimensions > _MOST_DIMENSIONS:
            raise BadInput(f"has {dimensions} dimensions", where=self.path, field=name[:80], expected="at most 4")
        shape = tuple(self.scalar("Q") for _ in range(dimensions))
        dtype = self.dtype(self.scalar("I"), name)
        self.scalar("Q")
        if any(extent >= 2**48 for extent in shape):
            raise BadInput(
                f"has the shape {shape}", where=self.path, field=name[:80], expected="a shape that fits a file"
            )
        return Stored(name, dtype, shape[::-1], str(self.path))

    def dtype(self, number: int, name: str) -> DType:
        if number in _WHOLE_NUMBERS:
            return _WHOLE_NUMBERS[number]
        if number not in _TYPE_NUMBERS:
            raise BadInput(f"has type {number}", where=self.path, field=name[:80], expected="a type of ggml.h")
        return GGUF_TYPES[_TYPE_NUMBERS[number]]

    def value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self.text()
        if kind == _ARRAY:
            return self.array()
        raise BadInput(f"has a value of type {kind}", where=self.path, expected="0 to 12")

    def array(self) -> Any:
        kind, length = self.scalar("I"), self.scalar("Q")
        if kind == _ARRAY:
            raise BadInput("nests arrays", where=self.path)
        if kind == _STRING:
            for _ in range(self.possible(length, 8, "strings")):
                self.skip(self.scalar("Q"))
            return length
        if kind not in _SCALARS:
            raise BadInput(f"has a value of type {kind}", where=self.path, expected="0 to 12")
        width = struct.calcsize(_SCALARS[kind])
        self.possible(length, width, "entries")
        if length > _KEPT:
            self.skip(length * width)
            return length
        return list(struct.unpack(f"<{length}{_SCALARS[kind]}", self.take(length * width)))

    def possible(self, count: int, least: int, what: str) -> int:
        """The count, when so many things of at least so many bytes can be in what is left."""
        if count * least > self.size - self.at:
            raise BadInput(f"lists {count:,} {what}, more than the file can hold", where=self.path)
        return count

    def text(self) -> str:
        return self.take(self.scalar("Q")).decode("utf-8", "replace")

    def scalar(self, form: str) -> Any:
        (value,) = struct.unpack(f"<{form}", self.take(struct.calcsize(form)))
        return value

    def take(self, length: int) -> bytes:
        begin = self.at
        self.skip(length)
        return self.content[begin : self.at]

    def skip(self, length: int) -> None:
        if length > self.size - self.at:
            raise BadInput(f"ends inside its header, at byte {self.size:,}", where=self.path)
        self.at += length
