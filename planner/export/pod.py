"""Kubernetes pods that run one launcher of a replica."""

from typing import Any

from planner.export.accelerator import PRODUCT_LABEL, product, resource
from planner.export.command import Command
from planner.export.image import image
from planner.export.rank import Launcher
from planner.export.refusal import Refused
from planner.export.script import stage_lines
from planner.export.service import Service
from planner.fleet.gpu import Gpu

STAGES = "gpuplan/stages"
"""Annotation that names the GPU kind and the layers of each stage; `planner.launch` reads it back."""

FOLDER = "/etc/gpuplan"
HEALTH = {"vllm": "/health", "sglang": "/health", "trtllm": "/health", "llamacpp": "/health"}
_STARTUP_SECONDS = 3600


def metadata(service: Service, labels: dict[str, str]) -> dict[str, Any]:
    """Labels of a pod and the annotation with its stages."""
    return {"labels": labels, "annotations": {STAGES: "\n".join(stage_lines(service, devices=False))}}


def pod_spec(
    target: str, service: Service, launcher: Launcher, command: Command, *, port: int | None, config: str
) -> dict[str, Any]:
    """Return the pod of one launcher: GPUs by count and kind, the token by reference, shared memory for NCCL."""
    gpu = one_kind(target, launcher)
    asked = {resource(target, gpu): str(len(launcher.ranks))}
    spec: dict[str, Any] = {
        "containers": [container(service, command, asked, gpu.vendor, port)],
        "volumes": volumes(service, command, config),
    }
    if label := product(gpu):
        spec["nodeSelector"] = {PRODUCT_LABEL: label}
    return spec


def container(
    service: Service, command: Command, gpus: dict[str, str], vendor: str, port: int | None
) -> dict[str, Any]:
    """Return the container; `gpus` are its limits, `port` is where it answers, None without a server."""
    made: dict[str, Any] = {
        "name": service.engine,
        "image": image(service.engine, service.deployment.engine_version, vendor),
        "command": list(command.program),
        "args": command.arguments(),
        "env": environment(command),
        "resources": {"limits": gpus},
        "volumeMounts": mounts(service, command),
    }
    if port is not None:
        path = {"path": HEALTH.get(service.engine, "/health"), "port": port}
        made["ports"] = [{"name": "http", "containerPort": port}]
        made["startupProbe"] = {"httpGet": path, "periodSeconds": 10, "failureThreshold": _STARTUP_SECONDS // 10}
        made["readinessProbe"] = {"httpGet": path, "periodSeconds": 10, "failureThreshold": 3}
    return made


def environment(command: Command) -> list[dict[str, Any]]:
    """Variables of the command, and the hub token from a secret that may be missing."""
    token = {"secretKeyRef": {"name": "hf-token", "key": "token", "optional": True}}
    plain = [{"name": name, "value": value} for name, value in command.environment.items()]
    return [*plain, {"name": "HF_TOKEN", "valueFrom": token}]


def mounts(service: Service, command: Command) -> list[dict[str, Any]]:
    """Shared memory, a local model under its own path, config files under one folder."""
    found: list[dict[str, Any]] = [{"name": "shm", "mountPath": "/dev/shm"}]
    if service.model.local:
        found.append({"name": "model", "mountPath": service.model.name, "readOnly": True})
    if command.files:
        found.append({"name": "config", "mountPath": FOLDER, "readOnly": True})
    return found


def volumes(service: Service, command: Command, config: str) -> list[dict[str, Any]]:
    """The volumes behind `mounts`; `config` names the ConfigMap of the command's files."""
    found: list[dict[str, Any]] = [{"name": "shm", "emptyDir": {"medium": "Memory"}}]
    if service.model.local:
        found.append({"name": "model", "hostPath": {"path": service.model.name}})
    if command.files:
        found.append({"name": "config", "configMap": {"name": config}})
    return found


def one_kind(target: str, launcher: Launcher) -> Gpu:
    """Return the GPU kind of a launcher; raises Refused when it has several: a pod asks for one product."""
    kinds = list(dict.fromkeys(rank.gpu for rank in launcher.ranks))
    if len(kinds) > 1:
        names = " and ".join(gpu.slug for gpu in kinds)
        raise Refused(target, f"one pod cannot ask for {names} on one node")
    return kinds[0]
