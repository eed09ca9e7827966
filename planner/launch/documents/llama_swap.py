"""llama-swap: models by name, each with the command that serves it (github.com/mostlygeek/llama-swap)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.launch.dialects import read_invocation
from planner.launch.documents.tree import mapping
from planner.launch.invocation import invocations
from planner.launch.launch import Launch


def recognises(document: dict[str, Any]) -> bool:
    """Models with commands."""
    models = mapping(document, "models")
    return bool(models) and all("cmd" in mapping(model) for model in models.values())


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engine of every model; `macros` are put into commands as text, lines of a command belong together."""
    found = []
    for model in mapping(document, "models").values():
        command = " ".join(str(model["cmd"]).split("\n"))
        for name, text in mapping(document, "macros").items():
            command = command.replace(f"${{{name}}}", str(text))
        found += [read_invocation(replace(invocation, folder=path.parent)) for invocation in invocations(command)]
    return found
