"""What changed from release to release: data in `releases.yaml`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml

PYTORCH, TENSORRT = "pytorch", "tensorrt"


@dataclass(frozen=True)
class Release:
    """One version with its defaults; see the head of `releases.yaml`."""

    version: str
    backend: str
    tokens_per_block: int
    max_batch_size: int
    max_num_tokens: int
    intermediate_rows: int
    workspace_mib: int
    decoder_copies: int
    token_table_bytes: int
    windowed_pools: bool
    least_capability: float
    fraction_by_default: bool


def release(version: str) -> Release:
    """Return the defaults of a version (`0.13.0.dev2024082000`, `1.0`); older than all known takes the oldest."""
    known = _content()["releases"]
    entry = next((found for found in reversed(known) if _numbers(found["since"]) <= _numbers(version)), known[0])
    return Release(version=version, **{field: value for field, value in entry.items() if field != "since"})


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("releases.yaml"))
    return content


def _numbers(version: str) -> tuple[int, ...]:
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    return (*found, 0, 0, 0)[:3]


NEWEST = str(_content()["newest"])
