"""LeaderWorkerSet: a group of pods for each replica, one pod a launcher (leaderworkerset.x-k8s.io/v1).

The controller sets LWS_LEADER_ADDRESS and LWS_WORKER_INDEX in every pod; Kubernetes puts them into the
arguments. Workers share one template, so all but the leader must stand on one GPU kind.
"""

from typing import Any

from planner.export.engine_command import engine_command
from planner.export.manifest import NAME, config_map, dump, http_service
from planner.export.pod import FOLDER, metadata, one_kind, pod_spec
from planner.export.rank import Launcher
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup, replica_groups
from planner.export.service import Service, services
from planner.export.spot import Spot
from planner.plan_document import Plan

TARGET = "lws"
ENGINES = ("vllm", "sglang")
PORT = 8000
ROLE = "role"
START = """\
Install LeaderWorkerSet (https://lws.sigs.k8s.io), then `kubectl apply -f .` in this folder. Each replica is a
group of pods, one pod for each launcher; the group restarts as a whole. Pods ask for GPUs by count and product label.
Gated models need the secret `hf-token` with the key `token`."""


def files(plan: Plan) -> dict[str, str]:
    """Return one manifest a group of equal replicas; raises Refused when the workers' GPU kinds differ."""
    groups = replica_groups(services(plan))
    found = {f"{group.name}.yaml": _manifest(group) for group in groups}
    endpoints = {service.name: f"{group.name}:80" for group in groups for service in group.services}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _manifest(group: ReplicaGroup) -> str:
    service = group.first
    launchers = engine_command(service.engine).launchers_of(service)
    leader = {NAME: group.name, ROLE: "leader"}
    template: dict[str, Any] = {
        "size": len(launchers),
        "restartPolicy": "RecreateGroupOnPodRestart",
        "leaderTemplate": _template(service, launchers, 0, group.name),
        "workerTemplate": _template(service, launchers, len(launchers) - 1, group.name),
    }
    document = {
        "apiVersion": "leaderworkerset.x-k8s.io/v1",
        "kind": "LeaderWorkerSet",
        "metadata": {"name": group.name, "labels": {NAME: group.name}},
        "spec": {"replicas": group.copies, "leaderWorkerTemplate": template},
    }
    command = engine_command(service.engine).command(service, _spot(launchers, 0))
    return dump(
        document,
        http_service(group.name, leader, PORT),
        *config_map(f"{group.name}-config", command),
        head=[service.deployment.model, *service.model.notes],
    )


def _template(service: Service, launchers: list[Launcher], number: int, name: str) -> dict[str, Any]:
    """Return the leader's pod (`number` 0) or the pod of all workers."""
    _alike(launchers[1:])
    launcher = launchers[number]
    command = engine_command(service.engine).command(service, _spot(launchers, number))
    labels = {NAME: name, ROLE: "worker" if number else "leader"}
    port = None if number else PORT
    pod = pod_spec(TARGET, service, launcher, command, port=port, config=f"{name}-config")
    return {"metadata": metadata(service, labels), "spec": pod}


def _spot(launchers: list[Launcher], number: int) -> Spot:
    return Spot(
        port=PORT,
        rank="$(LWS_WORKER_INDEX)" if number else "0",
        launchers=len(launchers),
        address="$(LWS_LEADER_ADDRESS)",
        head=number == 0,
        folder=FOLDER,
    )


def _alike(workers: list[Launcher]) -> None:
    kinds = list(dict.fromkeys(one_kind(TARGET, worker) for worker in workers))
    if len(kinds) > 1:
        names = " and ".join(gpu.slug for gpu in kinds)
        raise Refused(TARGET, f"its workers share one template and stand on {names}")
