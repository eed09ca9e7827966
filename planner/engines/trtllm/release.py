"""What changed from release to release: data in `releases.yaml`."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

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
    decoder_token_bytes: int
    decoder_top_k_bytes: int
    token_table_bytes: int
    windowed_pools: bool
    least_capability: float
    fraction_by_default: bool
    estimation: Literal["prompts", "graphs"]
    loads_on_first: bool


def release(version: str) -> Release:
    """Return the defaults of a version (`0.13.0.dev2024082000`, `1.0.0rc3`); older than all known takes the oldest."""
    values: dict[str, Any] = {}
    for change in _content()["changes"]:
        if values and _numbers(change["since"]) > _numbers(version):
            break
        values.update(change)
    return Release(version=version, **{field: value for field, value in values.items() if field != "since"})


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("releases.yaml"))
    return content


def _numbers(version: str) -> tuple[int, ...]:
    """A release candidate comes before its release; nightly builds count as the release they lead to."""
    found = tuple(int(part) for part in re.findall(r"\d+", version)[:3])
    candidate = re.search(r"rc(\d+)", version)
    return (*(*found, 0, 0, 0)[:3], *((0, int(candidate[1])) if candidate else (1, 0)))


NEWEST = str(_content()["newest"])
