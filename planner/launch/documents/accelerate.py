"""A placement for accelerate: which module lies on which GPU, and what it was planned for."""

import re
from itertools import groupby
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.launch.documents.tree import mapping
from planner.launch.launch import Launch
from planner.layout import Limits

_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks)\.(\d+)$")


def recognises(document: dict[str, Any]) -> bool:
    """A device map beside a model."""
    return isinstance(document.get("device_map"), dict) and "model" in document


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the placement as a pipeline; raises BadInput when it says no engine or puts a layer off the GPUs."""
    planned = mapping(document, "planned_for")
    if "engine" not in planned:
        raise BadInput("is missing", where=path, field="planned_for.engine", expected="the engine whose bill is asked")
    places = {int(match[1]): place for name, place in document["device_map"].items() if (match := _LAYER.search(name))}
    if not places or any(not isinstance(place, int) for place in places.values()):
        raise BadInput(
            "places no layers on GPUs", where=path, field="device_map", expected="layer modules to GPU numbers"
        )
    stages = tuple(len(list(run)) for _, run in groupby(places[layer] for layer in sorted(places)))
    return [
        Launch(
            engine=str(planned["engine"]),
            model=str(document["model"]),
            version=str(planned["version"]) if "version" in planned else None,
            revision=document.get("revision"),
            pipeline=len(stages),
            layers_per_stage=stages,
            expert_parallel=planned.get("expert_parallel") is True,
            limits=Limits.parse(mapping(document, "limits"), where=path),
        )
    ]
