"""NVIDIA Dynamo's DynamoGraphDeployment: v1beta1 `components` with pod templates, v1alpha1 `services`."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.launch.documents.kubernetes import container_launch, pod_launches
from planner.launch.documents.tree import items, mapping, number
from planner.launch.launch import Launch

_OWN_FLAGS = ("--disaggregation-mode", "--is-prefill-worker", "--is-decode-worker")
"""What dynamo.vllm reads itself: which phase a worker has (dynamo/vllm/backend_args.py)."""
_WORKERS = (None, "worker", "prefill", "decode", "main")


def recognises(document: dict[str, Any]) -> bool:
    """A graph deployment of any version."""
    return document.get("kind") == "DynamoGraphDeployment"


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engines of all workers; frontends, planners and routers hold none."""
    found = []
    for component in items(document, "spec", "components"):
        if mapping(component).get("type") in _WORKERS:
            for launch in pod_launches(mapping(component, "podTemplate"), path):
                found.append(_worker(launch, mapping(component)))
    for service in mapping(document, "spec", "services").values():
        container = mapping(service, "extraPodSpec", "mainContainer")
        worker = mapping(service).get("componentType") in _WORKERS
        if worker and (started := container_launch(container, path)):
            found.append(_worker(started, mapping(service)))
    return found


def _worker(launch: Launch, component: dict[str, Any]) -> Launch:
    """The launch as often as the component has replicas; a flag of Dynamo's own is none that the engine lacks."""
    unknown = tuple(flag for flag in launch.unknown if flag.split()[0] not in _OWN_FLAGS)
    return replace(launch, copies=number(component.get("replicas")), unknown=unknown)
