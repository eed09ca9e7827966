"""llm-d: values of the llm-d-modelservice chart, one file a group of equal replicas.

The chart writes `--tensor-parallel-size`, `--data-parallel-size` and the port itself from `parallelism`
(_helpers.tpl, vllmServeModelCommand); everything else that was modelled goes into `args`.
"""

from typing import Any

from planner.export.accelerator import PRODUCT_LABEL, RESOURCES, kind, product
from planner.export.command import Command
from planner.export.engine_command import engine_command
from planner.export.image import image
from planner.export.manifest import dump
from planner.export.pod import STAGES, environment, one_kind
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
START = """\
`helm install NAME llm-d-modelservice/llm-d-modelservice -f NAME.yaml` for each file. Gated models need the secret
`hf-token` with the key `token`."""
_GIVEN = ("host", "port", "headless", SIZES["tensor_parallel_size"], SIZES["data_parallel_size"])


def files(plan: Plan) -> dict[str, str]:
    """Return one values file a group; raises Refused for a replica that spans nodes."""
    groups = replica_groups(services(plan))
    found = {f"{group.name}.yaml": _values(group) for group in groups}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, {})}


def _values(group: ReplicaGroup) -> str:
    service, layout = group.first, group.first.replica.layout
    launchers = engine_command(service.engine).launchers_of(service)
    if len(launchers) > 1:
        raise Refused(TARGET, f"{service.name} spans {len(service.nodes)} nodes, and the chart's pods are alike")
    slug = one_kind(TARGET, launchers[0])
    vendor = kind(slug).vendor
    if vendor not in RESOURCES:
        raise Refused(TARGET, f"the chart knows no accelerator of {vendor}")
    if service.model.local:
        raise Refused(TARGET, f"{service.model.name} is a path, and the chart downloads or mounts a claim")
    made = engine_command(service.engine).command(service, Spot(port=8000))
    rest = Command((), {name: value for name, value in made.flags.items() if name not in _GIVEN}, made.environment)
    container: dict[str, Any] = {
        "name": "vllm",
        "image": image(service.engine, service.deployment.engine_version, vendor),
        "modelCommand": "vllmServe",
        "args": rest.arguments(),
        "env": environment(rest),
        "mountModelVolume": True,
        "resources": {"limits": {RESOURCES[vendor]: str(len(launchers[0].ranks))}},
    }
    decode: dict[str, Any] = {
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
    if label := product(kind(slug)):
        decode["nodeSelector"] = {PRODUCT_LABEL: label}
    document = {
        "multinode": False,
        "accelerator": {"type": vendor},
        "modelArtifacts": {
            "name": service.model.name,
            "uri": f"hf://{service.model.name}",
            "size": f"{_gibibytes(service.model.model.weight_bytes)}Gi",
            "authSecretName": "hf-token",
        },
        "routing": {"servicePort": 8000, "proxy": {"enabled": False}},
        "decode": decode,
        "prefill": {"create": False},
    }
    return dump(document, head=[service.deployment.model, *service.model.notes])


def _gibibytes(weights: int) -> int:
    """Room for the checkpoint: its bytes and a tenth, whole GiB."""
    return weights * 11 // 10 // 2**30 + 1
