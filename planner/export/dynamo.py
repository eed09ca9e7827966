"""NVIDIA Dynamo: one DynamoGraphDeployment a model (nvidia.com/v1beta1), a worker component a group of replicas.

Workers of prefill and decode pools are components of that type and are told their phase by `--disaggregation-mode`;
Dynamo gives them the ports at which they meet. For a worker over several nodes its operator adds the flags that join
them (`--nnodes`, `--node-rank`, `--master-addr`, `--headless`), so these are left out here.
"""

from typing import Any

from planner.export.command import Command
from planner.export.engine_command import engine_command
from planner.export.manifest import dump
from planner.export.pod import FOLDER, metadata, one_kind, pod_spec
from planner.export.pools import one_pair
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup, replica_groups
from planner.export.service import services, slug
from planner.export.spot import Spot
from planner.plan_document import Plan

TARGET = "dynamo"
ENGINES = ("vllm", "sglang")
JOINS_POOLS = True
VERSION = "1.6.0"
"""Runtime of Dynamo whose images are named; each image brings an engine version of its own."""

_MODULES = {"vllm": "dynamo.vllm", "sglang": "dynamo.sglang"}
_OPERATOR = (
    *("host", "port", "headless", "nnodes", "node-rank", "master-addr", "master-port", "dist-init-addr"),
    "disaggregation-bootstrap-port",
)
_SIDE_CHANNEL = "VLLM_NIXL_SIDE_CHANNEL_PORT"
START = f"""\
Install Dynamo's operator, then `kubectl apply -f .` in this folder. The runtime images are those of Dynamo
{VERSION}: make sure that the engine they bring is the version this plan was made for, or build one that does.
Gated models need the secret `hf-token` with the key `token`."""


def files(plan: Plan) -> dict[str, str]:
    """Return one manifest a model; raises Refused for workers that Dynamo could not join as planned."""
    for deployment in plan.deployments:
        one_pair(TARGET, deployment)
    by_model: dict[str, list[ReplicaGroup]] = {}
    for group in replica_groups(services(plan)):
        by_model.setdefault(slug(group.first.deployment.model), []).append(group)
    found = {f"{name}.yaml": _graph(name, groups) for name, groups in by_model.items()}
    endpoints = {
        service.name: f"{name}-frontend:8000"
        for name, groups in by_model.items()
        for group in groups
        for service in group.services
    }
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _graph(name: str, groups: list[ReplicaGroup]) -> str:
    service = groups[0].first
    runtime = f"nvcr.io/nvidia/ai-dynamo/{service.engine}-runtime:{VERSION}"
    frontend = {
        "name": "Frontend",
        "type": "frontend",
        "replicas": 1,
        "podTemplate": {"spec": {"containers": [{"name": "main", "image": runtime}]}},
    }
    document = {
        "apiVersion": "nvidia.com/v1beta1",
        "kind": "DynamoGraphDeployment",
        "metadata": {"name": name},
        "spec": {
            "backendFramework": service.engine,
            "components": [frontend, *(_worker(group, runtime) for group in groups)],
        },
    }
    planned = f"planned for {service.engine} {service.deployment.engine_version}"
    return dump(document, head=[service.deployment.model, planned, *service.model.notes])


def _worker(group: ReplicaGroup, runtime: str) -> dict[str, Any]:
    service = group.first
    launchers = engine_command(service.engine).launchers_of(service)
    kinds = {one_kind(TARGET, launcher) for launcher in launchers}
    if len(kinds) > 1:
        names = " and ".join(gpu.slug for gpu in kinds)
        raise Refused(TARGET, f"the pods of {service.name} share one template and stand on {names}")
    if next(iter(kinds)).vendor != "nvidia":
        raise Refused(TARGET, "its runtime images are for NVIDIA GPUs")
    if len(launchers) > 1 and service.replica.layout.data_parallel_size > 1:
        raise Refused(TARGET, f"{service.name} spreads data-parallel groups over nodes")
    made = engine_command(service.engine).command(service, Spot(port=8000, folder=FOLDER))
    flags = {"model": service.model.name} | {k: v for k, v in made.flags.items() if k not in (*_OPERATOR, "model-path")}
    if service.replica.phase:
        flags["disaggregation-mode"] = service.replica.phase
    variables = {name: value for name, value in made.environment.items() if name != _SIDE_CHANNEL}
    command = Command(("python3", "-m", _MODULES[service.engine]), flags, variables, made.files)
    spec = pod_spec(TARGET, service, launchers[0], command, port=None, config=f"{group.name}-config")
    spec["containers"][0] |= {"name": "main", "image": runtime}
    component: dict[str, Any] = {
        "name": group.name,
        "type": service.replica.phase or "worker",
        "replicas": group.copies,
        "podTemplate": {"metadata": metadata(service, {}), "spec": spec},
    }
    if len(launchers) > 1:
        component["multinode"] = {"nodeCount": len(launchers)}
    return component
