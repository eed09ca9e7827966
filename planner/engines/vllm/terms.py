"""The constants of terms.yaml, typed."""

from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml
from planner.units import GIB


@cache
def terms(section: str) -> dict[str, Any]:
    """Return one section of the calibration file."""
    content: dict[str, dict[str, Any]] = read_yaml(Path(__file__).with_name("terms.yaml"))
    return content[section]


def gib_bytes(value: float) -> int:
    """GiB as bytes."""
    return int(value * GIB)
