"""Constants fitted to real runs: they live in YAML beside each profile, with the rows that fixed them."""

from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml


@cache
def constants(engine: str) -> dict[str, Any]:
    """Return the calibration file of an engine: `vllm.yaml`, or `constants.yaml` in the profile's folder."""
    beside, inside = Path(__file__).with_name(f"{engine}.yaml"), Path(__file__).with_name(engine) / "constants.yaml"
    content: dict[str, Any] = read_yaml(inside if inside.is_file() else beside)
    return content
