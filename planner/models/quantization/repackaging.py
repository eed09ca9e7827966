"""What the name of a quantized repackaging says: the base model and the scheme (`specs/models/repackagings.yaml`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from planner.data_files import data_path, read_yaml


@dataclass(frozen=True)
class Repackaging:
    """Name of the base model, and the `quantization_config` that the tool writes (None: none, in 16 bits)."""

    base: str
    scheme: str
    config: Mapping[str, Any] | None


def repackagings(name: str) -> list[Repackaging]:
    """Return every way to read a name as base and scheme, the likeliest first; empty for a plain name.

    The organisation is that of the repackager and says nothing of the base.
    """
    found = [
        Repackaging(_base(next(group for group in match.groups() if group)), scheme, schemes()[scheme])
        for pattern, scheme in _patterns()
        for text in dict.fromkeys((name, name.rpartition("/")[2]))
        if (match := pattern.fullmatch(text))
    ]
    return list({way.base: way for way in reversed(found)}.values())[::-1]


def _base(name: str) -> str:
    return name.rpartition("/")[2]


@cache
def _content() -> Any:
    return read_yaml(data_path("specs", "models") / "repackagings.yaml")


@cache
def schemes() -> Mapping[str, Mapping[str, Any] | None]:
    """Return the `quantization_config` of each scheme, as the tools write it."""
    known: Mapping[str, Mapping[str, Any] | None] = _content()["schemes"]
    return known


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern, re.IGNORECASE), scheme) for pattern, scheme in _content()["names"]]
