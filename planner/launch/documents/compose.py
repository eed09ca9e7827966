"""Docker Compose: every service whose image or command is an engine."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.launch.dialects import read_invocation
from planner.launch.documents.tree import items, mapping
from planner.launch.invocation import in_image
from planner.launch.launch import Launch
from planner.launch.stages import stage_places

_STAGES = "gpuplan.stages"


def recognises(document: dict[str, Any]) -> bool:
    """Services with images."""
    services = mapping(document, "services").values()
    return any("image" in mapping(service) or "build" in mapping(service) for service in services)


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engines of all services."""
    found = (_launch(mapping(service), document, path) for service in mapping(document, "services").values())
    return [launch for launch in found if launch]


def _launch(service: dict[str, Any], document: dict[str, Any], path: Path) -> Launch | None:
    environment = _pairs(service.get("environment"))
    words = [*_words(service.get("entrypoint"), path), *_words(service.get("command"), path)]
    invocation = in_image(str(service.get("image", "")), words, environment)
    if invocation is None:
        return None
    files = {str(target): content for target, content in _configs(service, document)}
    launch = read_invocation(replace(invocation, folder=path.parent, files=files))
    stages = _pairs(service.get("labels")).get(_STAGES, "")
    return replace(launch, places=stage_places(stages))


def _configs(service: dict[str, Any], document: dict[str, Any]) -> list[tuple[Any, str]]:
    """Config files whose content the document holds, by the path they have in the container."""
    mounted = [mapping(config) for config in items(service, "configs")]
    known = mapping(document, "configs")
    return [
        (config.get("target"), str(mapping(known, str(config.get("source"))).get("content", "")))
        for config in mounted
        if "content" in mapping(known, str(config.get("source")))
    ]


def _words(value: Any, path: Path) -> list[str]:
    if isinstance(value, str):
        try:
            return shlex.split(value)
        except ValueError as error:
            raise BadInput(f"is {value[:40]!r}: {error}", where=path, field="command") from None
    return [str(word) for word in value] if isinstance(value, list) else []


def _pairs(value: Any) -> dict[str, str]:
    """`[A=b]` or `{A: b}` as a mapping."""
    if isinstance(value, list):
        return dict(str(pair).partition("=")[::2] for pair in value)
    return {str(name): str(text) for name, text in mapping(value).items() if text is not None}
