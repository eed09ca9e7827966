"""Values of the llm-d-modelservice chart: parallelism in fields, the other flags in `args`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.launch.dialects import read_invocation
from planner.launch.documents.kubernetes import pod_places
from planner.launch.documents.tree import items, mapping, number, variables
from planner.launch.image import image_version
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch


def recognises(document: dict[str, Any]) -> bool:
    """Values with model artifacts and decode pods."""
    return "modelArtifacts" in document and "decode" in document


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engine of the decode pods and of the prefill pods."""
    model = str(mapping(document, "modelArtifacts").get("name") or "")
    parts = [mapping(document, role) for role in ("decode", "prefill")]
    return [_launch(part, model) for part in parts if part.get("create", True) and items(part, "containers")]


def _launch(part: dict[str, Any], model: str) -> Launch:
    container = mapping(items(part, "containers")[0])
    parallelism = mapping(part, "parallelism")
    words = [model, "--tensor-parallel-size", str(number(parallelism.get("tensor")))]
    if (data := number(parallelism.get("data"))) > 1:
        words += ["--data-parallel-size", str(data)]
    words += [str(word) for word in items(container, "args")]
    version = image_version(str(container.get("image", "")))
    launch = read_invocation(Invocation("vllm", tuple(words), variables(items(container, "env")), version))
    places = pod_places(mapping(part, "podAnnotations"), mapping(part, "nodeSelector"))
    return replace(launch, places=places, copies=number(part.get("replicas")))
