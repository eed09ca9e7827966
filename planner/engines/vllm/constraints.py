"""The table of what vLLM refuses (constraints.yaml)."""

from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml


@cache
def constraints(section: str) -> Any:
    """Return one section of the table."""
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("constraints.yaml"))
    return content[section]
