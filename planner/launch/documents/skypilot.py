"""SkyPilot tasks: the engines that `run` starts, GPU kinds from the stages or the accelerators."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.launch.dialects import read_invocation
from planner.launch.documents.tree import mapping, number
from planner.launch.image import pinned_version
from planner.launch.invocation import invocations
from planner.launch.launch import Launch
from planner.launch.stages import Place


def recognises(document: dict[str, Any]) -> bool:
    """A script and resources."""
    return isinstance(document.get("run"), str) and isinstance(document.get("resources"), dict)


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engines that the script starts."""
    environment = {str(name): str(value) for name, value in mapping(document, "envs").items() if value is not None}
    setup = str(document.get("setup") or "")
    found = []
    for invocation in invocations(document["run"], {"SKYPILOT_NUM_NODES": _nodes(document), **environment}):
        launch = read_invocation(replace(invocation, folder=path.parent))
        version = launch.version or pinned_version(setup, launch.engine)
        found.append(replace(launch, version=version, places=launch.places or _accelerators(document)))
    return found


def _nodes(document: dict[str, Any]) -> str:
    return str(number(document.get("num_nodes")))


def _accelerators(document: dict[str, Any]) -> tuple[Place, ...]:
    """`H100:8`, `{H100: 8}` or a list of choices: the first kind."""
    wanted = mapping(document, "resources").get("accelerators")
    if isinstance(wanted, dict | list) and wanted:
        wanted = next(iter(wanted))
    return (Place(str(wanted).partition(":")[0]),) if wanted else ()
