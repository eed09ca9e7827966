"""YAML and JSON that launches engines: one form a file."""

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import yaml

from planner.errors import BadInput
from planner.launch.launch import Launch

FORMS = (
    *(
        "kubernetes",
        "kserve",
        "inference_service",
        "dynamo",
        "llmd",
        "production_stack",
        "ray_serve",
        "compose",
        "skypilot",
        "accelerate",
    ),
    *("llama_swap", "vllm_config"),
)
"""Modules of this package, the most particular form first."""


class Form(Protocol):
    """One kind of document."""

    def recognises(self, document: dict[str, Any]) -> bool:
        """Whether a document is of this kind."""

    def launches(self, document: dict[str, Any], path: Path) -> list[Launch]:
        """Return the engines it starts; `path` leads to files beside it."""


def launches_of_documents(text: str, path: Path) -> list[Launch]:
    """Return the launches of every document of a file; raises BadInput when it is not YAML."""
    return [launch for document in _documents(text, path) for launch in _of_document(document, path)]


def _of_document(document: dict[str, Any], path: Path) -> list[Launch]:
    if document.get("kind") == "List" and isinstance(document.get("items"), list):
        return [launch for item in document["items"] if isinstance(item, dict) for launch in _of_document(item, path)]
    for name in FORMS:
        form = cast(Form, import_module(f"planner.launch.documents.{name}"))
        if form.recognises(document):
            return form.launches(document, path)
    return []


def _documents(text: str, path: Path) -> list[dict[str, Any]]:
    try:
        found = list(yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise BadInput(f"not YAML: {error.problem}", where=f"{path}{line}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise BadInput(f"not YAML: {str(error).splitlines()[0]}", where=path) from None
    return [document for document in found if isinstance(document, dict)]
