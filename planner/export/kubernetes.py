"""Kubernetes: a Deployment and a Service for each group of equal replicas that fit one node."""

from planner.export.engine_command import engine_command
from planner.export.manifest import NAME, config_map, dump, http_service
from planner.export.pod import FOLDER, metadata, pod_spec
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup, replica_groups
from planner.export.service import services
from planner.export.spot import Spot
from planner.plan_document import Plan

TARGET = "kubernetes"
ENGINES = ("vllm", "sglang", "trtllm", "llamacpp")
PORT = 8000
START = """\
`kubectl apply -f .` in this folder. Pods ask for GPUs by count and product label, so the scheduler picks the
nodes; the plan holds on any node of the same kind. Gated models need the secret `hf-token` with the key `token`."""


def files(plan: Plan) -> dict[str, str]:
    """Return one manifest a group; raises Refused for a replica that spans nodes."""
    groups = replica_groups(services(plan))
    found = {f"{group.name}.yaml": _manifest(group) for group in groups}
    endpoints = {service.name: f"{group.name}:80" for group in groups for service in group.services}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _manifest(group: ReplicaGroup) -> str:
    service, module = group.first, engine_command(group.first.engine)
    launchers = module.launchers_of(service)
    if len(launchers) > 1:
        raise Refused(TARGET, f"{service.name} spans {len(service.nodes)} nodes and a Deployment's pods are alike")
    command = module.command(service, Spot(port=PORT, folder=FOLDER))
    labels = {NAME: group.name}
    pod = pod_spec(TARGET, service, launchers[0], command, port=PORT, config=f"{group.name}-config")
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": group.name, "labels": labels},
        "spec": {
            "replicas": group.copies,
            "strategy": {"type": "Recreate"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": metadata(service, labels), "spec": pod},
        },
    }
    return dump(
        deployment,
        http_service(group.name, labels, PORT),
        *config_map(f"{group.name}-config", command),
        head=[service.deployment.model, *service.model.notes],
    )
