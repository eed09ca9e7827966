"""KServe's LLMInferenceService: parallelism in fields, the other flags in VLLM_ADDITIONAL_ARGS."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.errors import BadInput
from planner.launch.dialects import read_invocation
from planner.launch.documents.kubernetes import pod_places
from planner.launch.documents.tree import items, mapping, number, variables
from planner.launch.image import image_version
from planner.launch.invocation import Invocation
from planner.launch.launch import Launch

_SIZES = {"tensor": "tensor-parallel-size", "pipeline": "pipeline-parallel-size", "data": "data-parallel-size"}


def recognises(document: dict[str, Any]) -> bool:
    """An LLMInferenceService of any version."""
    return document.get("kind") == "LLMInferenceService"


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the service's engine and, when it has one, that of its prefill pods; raises BadInput without a model."""
    spec = mapping(document, "spec")
    name = str(mapping(spec, "model").get("uri") or mapping(spec, "model").get("name") or "")
    if not name:
        raise BadInput("is missing", where=path, field="spec.model.uri", expected="hf://ORG/NAME")
    model, _, revision = name.rpartition("://")[2].partition(":")
    annotations = mapping(document, "metadata", "annotations")
    found = []
    for part in (spec, mapping(spec, "prefill")):
        if part:
            launch = _launch(part, model, revision)
            places = pod_places(annotations, mapping(part, "template", "nodeSelector"))
            found.append(replace(launch, places=places, copies=number(part.get("replicas"))))
    return found


def _launch(part: dict[str, Any], model: str, revision: str) -> Launch:
    containers = items(part, "template", "containers")
    main = next((mapping(one) for one in containers if mapping(one).get("name") == "main"), mapping(None))
    environment = variables(items(main, "env"))
    words = [model, *(["--revision", revision] if revision else [])]
    for field, flag in _SIZES.items():
        if (size := number(mapping(part, "parallelism").get(field), 0)) > 1:
            words += [f"--{flag}", str(size)]
    if mapping(part, "parallelism").get("expert") is True:
        words.append("--enable-expert-parallel")
    words += shlex.split(environment.pop("VLLM_ADDITIONAL_ARGS", "")) + [str(word) for word in items(main, "args")]
    version = image_version(str(main.get("image", "")))
    return read_invocation(Invocation("vllm", tuple(words), environment, version))
