"""llm-d: values of the llm-d-modelservice chart, one file a group of equal replicas or a pair of pools.

The chart writes `--tensor-parallel-size`, `--data-parallel-size` and the port itself from `parallelism`
(_helpers.tpl, vllmServeModelCommand); everything else that was modelled goes into `args`. Where prefill pods are apart,
a sidecar in front of each decode pod asks one of them first (values.yaml, routing.proxy).
"""

from typing import Any

from planner.export.accelerator import PRODUCT_LABEL, product, resource
from planner.export.command import Command
from planner.export.engine_command import engine_command
from planner.export.image import image
from planner.export.manifest import dump
from planner.export.pod import STAGES, environment, one_kind
from planner.export.pools import one_pair
from planner.export.rank import Launcher
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup, replica_groups
from planner.export.script import stage_lines
from planner.export.service import services
from planner.export.spot import Spot
from planner.launch.vllm import SIZES
from planner.plan_document import Plan

TARGET = "llm-d"
ENGINES = ("vllm",)
JOINS_POOLS = True
START = """\
`helm install NAME llm-d-modelservice/llm-d-modelservice -f NAME.yaml` for each file. Gated models need the secret
`hf-token` with the key `token`. Prefill pods are chosen by llm-d's inference scheduler: install it with profiles for
prefill and decode, else the decode pods compute the prompts too."""
_SIDECAR = {
    "enabled": True,
    "image": "ghcr.io/llm-d/llm-d-routing-sidecar:v0.4.0",
    "targetPort": 8200,
    "connector": "nixlv2",
    "secure": False,
}
_GIVEN = ("host", "port", "headless", SIZES["tensor_parallel_size"], SIZES["data_parallel_size"])


def files(plan: Plan) -> dict[str, str]:
    """Return one values file a group or a pair of pools; raises Refused for a replica that spans nodes."""
    found: dict[str, str] = {}
    groups = replica_groups(services(plan))
    for deployment in plan.deployments:
        one_pair(TARGET, deployment)
        mine = [group for group in groups if group.first.deployment is deployment]
        if deployment.pools:
            decode, prefill = (_alike(mine, phase) for phase in ("decode", "prefill"))
            found[f"{decode.name}.yaml"] = _values(decode, prefill)
        else:
            found |= {f"{group.name}.yaml": _values(group, None) for group in mine}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, {})}


def _alike(groups: list[ReplicaGroup], phase: str) -> ReplicaGroup:
    """The workers of one pool; raises Refused when they differ."""
    found = [group for group in groups if group.first.replica.phase == phase]
    if len(found) != 1:
        model = groups[0].first.model.name
        raise Refused(TARGET, f"the {phase} workers of {model} differ, and the pods of the chart are alike")
    return found[0]


def _values(group: ReplicaGroup, prefill: ReplicaGroup | None) -> str:
    """Values of one release: the pods that decode, or do both phases, and those that prefill, if any."""
    service = group.first
    if service.model.local:
        raise Refused(TARGET, f"{service.model.name} is a path, and the chart downloads or mounts a claim")
    document = {
        "multinode": False,
        "accelerator": {"type": one_kind(TARGET, _launcher(group)).vendor},
        "modelArtifacts": {
            "name": service.model.name,
            "uri": f"hf://{service.model.name}",
            "size": f"{_gibibytes(service.model.model.weight_bytes)}Gi",
            "authSecretName": "hf-token",
        },
        "routing": {"servicePort": 8000, "proxy": {"enabled": False} if prefill is None else _SIDECAR},
        "decode": _part(group),
        "prefill": {"create": False} if prefill is None else _part(prefill),
    }
    return dump(document, head=[service.deployment.model, *service.model.notes])


def _launcher(group: ReplicaGroup) -> Launcher:
    """The one launcher of a replica; raises Refused when there are several."""
    service = group.first
    launchers = engine_command(service.engine).launchers_of(service)
    if len(launchers) > 1:
        raise Refused(TARGET, f"{service.name} spans {len(service.nodes)} nodes, and the chart's pods are alike")
    return launchers[0]


def _part(group: ReplicaGroup) -> dict[str, Any]:
    """The pods of one group of replicas."""
    service, layout, launcher = group.first, group.first.replica.layout, _launcher(group)
    gpu = one_kind(TARGET, launcher)
    made = engine_command(service.engine).command(service, Spot(port=8000))
    rest = Command((), {name: value for name, value in made.flags.items() if name not in _GIVEN}, made.environment)
    own = [{"name": "VLLM_NIXL_SIDE_CHANNEL_HOST", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    container: dict[str, Any] = {
        "name": "vllm",
        "image": image(service.engine, service.deployment.engine_version, gpu.vendor),
        "modelCommand": "vllmServe",
        "args": rest.arguments(),
        "env": [*environment(rest), *(own if service.replica.phase else [])],
        "mountModelVolume": True,
        "resources": {"limits": {resource(TARGET, gpu): str(len(launcher.ranks))}},
    }
    part: dict[str, Any] = {
        "create": True,
        "replicas": group.copies,
        "parallelism": {
            "tensor": layout.tensor_parallel_size,
            "data": layout.data_parallel_size,
            "dataLocal": layout.data_parallel_size,
            "workers": 1,
        },
        "podAnnotations": {STAGES: "\n".join(stage_lines(service, devices=False))},
        "containers": [container],
    }
    if label := product(gpu):
        part["nodeSelector"] = {PRODUCT_LABEL: label}
    return part


def _gibibytes(weights: int) -> int:
    """Room for the checkpoint: its bytes and a tenth, whole GiB."""
    return weights * 11 // 10 // 2**30 + 1
