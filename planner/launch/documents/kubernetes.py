"""Kubernetes workloads: every engine container of a Deployment, StatefulSet, Job, Pod or LeaderWorkerSet."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from planner.data_files import read_text
from planner.launch.dialects import read_invocation
from planner.launch.documents.tree import items, mapping, number, variables
from planner.launch.invocation import in_image
from planner.launch.launch import Launch
from planner.launch.stages import Place, stage_places

STAGES = "gpuplan/stages"
_PRODUCTS = ("nvidia.com/gpu.product", "cloud.google.com/gke-accelerator", "gpu.nvidia.com/model")
_KINDS = ("Deployment", "StatefulSet", "ReplicaSet", "DaemonSet", "Job", "Pod", "LeaderWorkerSet", "PodTemplate")


def recognises(document: dict[str, Any]) -> bool:
    """A workload of the core API or a LeaderWorkerSet."""
    return "apiVersion" in document and document.get("kind") in _KINDS


def launches(document: dict[str, Any], path: Path) -> list[Launch]:
    """Return the engines of its pods; `replicas` are copies, a LeaderWorkerSet's workers follow its leader."""
    copies = number(mapping(document, "spec").get("replicas"))
    found = []
    for template, worker in templates(document):
        for launch in pod_launches(template, path, _group_variables(document)):
            launch = replace(launch, copies=launch.copies * copies)
            found.append(replace(launch, rank=max(launch.rank, 1)) if worker else launch)
    return found


def templates(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield pod templates, and whether each is of the workers behind a leader."""
    group = mapping(document, "spec", "leaderWorkerTemplate")
    leader, worker = mapping(group, "leaderTemplate"), mapping(group, "workerTemplate")
    if document.get("kind") == "Pod":
        yield document, False
    elif leader:
        yield leader, False
        if number(group.get("size")) > 1 and worker:
            yield worker, True
    elif worker:
        yield worker, False
    elif template := mapping(document, "spec", "template"):
        yield template, False


def _group_variables(document: dict[str, Any]) -> dict[str, str]:
    """What the controller of a LeaderWorkerSet sets in every pod of a group."""
    size = mapping(document, "spec", "leaderWorkerTemplate").get("size")
    return {"LWS_GROUP_SIZE": str(size)} if isinstance(size, int) else {}


def pod_launches(template: dict[str, Any], path: Path, given: Mapping[str, str] | None = None) -> list[Launch]:
    """Return the engines of a pod's containers, in the places that its annotation or node selector names."""
    places = pod_places(mapping(template, "metadata", "annotations"), mapping(template, "spec", "nodeSelector"))
    maps = _config_maps(template, path)
    found = (container_launch(container, path, maps, given) for container in items(template, "spec", "containers"))
    return [replace(launch, places=places) for launch in found if launch]


def pod_places(annotations: dict[str, Any], selector: dict[str, Any]) -> tuple[Place, ...]:
    """Return the places of the stages: our annotation, else the product that the node selector asks for."""
    selected = tuple(Place(str(selector[label])) for label in _PRODUCTS if label in selector)[:1]
    return stage_places(str(annotations.get(STAGES, ""))) or selected


def _config_maps(template: dict[str, Any], path: Path) -> dict[str, dict[str, str]]:
    """Contents of the ConfigMaps that volumes of a pod name, by volume, where they stand in the same file."""
    volumes = {
        str(mapping(volume).get("name")): mapping(volume, "configMap").get("name")
        for volume in items(template, "spec", "volumes")
        if mapping(volume, "configMap")
    }
    if not volumes or not path.is_file():
        return {}
    documents = [mapping(found) for found in yaml.safe_load_all(read_text(path))]
    held = {
        str(mapping(document, "metadata").get("name")): mapping(document, "data")
        for document in documents
        if document.get("kind") == "ConfigMap"
    }
    return {volume: held[str(name)] for volume, name in volumes.items() if str(name) in held}


def container_launch(
    container: Any,
    path: Path,
    config_maps: Mapping[str, Mapping[str, str]] | None = None,
    given: Mapping[str, str] | None = None,
) -> Launch | None:
    """Return the engine of one container, `$(NAME)` replaced where the container sets NAME.

    `config_maps` are files by volume; the container's mounts say where they lie. `given` is set from outside.
    """
    environment = {**(given or {}), **variables(items(container, "env"))}
    words = [str(word) for word in [*items(container, "command"), *items(container, "args")]]
    expanded = [re.sub(r"\$\((\w+)\)", lambda m: environment.get(m[1], m[0]), word) for word in words]
    invocation = in_image(str(mapping(container).get("image", "")), expanded, environment)
    if invocation is None:
        return None
    files = {
        f"{mapping(mount).get('mountPath')}/{name}": content
        for mount in items(container, "volumeMounts")
        for name, content in (config_maps or {}).get(str(mapping(mount).get("name")), {}).items()
    }
    return read_invocation(replace(invocation, folder=path.parent, files=files))
