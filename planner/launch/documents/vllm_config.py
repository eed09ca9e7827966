"""The file of `vllm serve --config`: long flags without dashes, with its environment file beside it."""

from pathlib import Path
from typing import Any

from planner.data_files import read_text
from planner.launch.flag_table import flag_table
from planner.launch.flags import read_mapping
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch
from planner.launch.vllm import launch_of_flags


def recognises(document: dict[str, Any]) -> bool:
    """A model, and most other keys flags of vLLM."""
    table = flag_table("vllm")
    known = sum(table.find(str(key)) is not None for key in document)
    return isinstance(document.get("model"), str) and 2 * known > len(document)


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the one launch of the file."""
    flags = read_mapping(document, flag_table("vllm"))
    return [launch_of_flags(flags, Invocation("vllm", (), environment_beside(path)))]


def environment_beside(path: Path) -> dict[str, str]:
    """Return the variables of `serve-0.env` beside `serve-0.yaml`."""
    beside = path.with_suffix(".env")
    if not beside.is_file():
        return {}
    pairs = (line.partition("=") for line in read_text(beside).splitlines() if "=" in line and line[0] != "#")
    return {name.strip(): value.strip() for name, _, value in pairs}
