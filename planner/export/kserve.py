"""KServe: an LLMInferenceService for each group of equal replicas (serving.kserve.io/v1alpha2).

KServe's own template starts `vllm serve` on the downloaded model with `spec.parallelism.tensor` and what
VLLM_ADDITIONAL_ARGS says (config-llm-template.yaml): everything else that was modelled goes there.
"""

import shlex
from typing import Any

from planner.export.accelerator import PRODUCT_LABEL, product, resource
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

TARGET = "kserve"
ENGINES = ("vllm",)
START = """\
Install KServe with its LLMInferenceService controller, then `kubectl apply -f .` in this folder. KServe downloads
the model and routes to it. Gated models need the secret `hf-token` with the key `token`."""
_GIVEN = ("host", "port", "headless", "revision", SIZES["tensor_parallel_size"])


def files(plan: Plan) -> dict[str, str]:
    """Return one manifest a group; raises Refused for a replica that spans nodes."""
    groups = replica_groups(services(plan))
    found = {f"{group.name}.yaml": _manifest(group) for group in groups}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, {})}


def _manifest(group: ReplicaGroup) -> str:
    service = group.first
    launchers = engine_command(service.engine).launchers_of(service)
    if len(launchers) > 1:
        raise Refused(TARGET, f"{service.name} spans nodes, which KServe's templates do only by data parallelism")
    gpu = one_kind(TARGET, launchers[0])
    made = engine_command(service.engine).command(service, Spot(port=8000))
    rest = Command((), {name: value for name, value in made.flags.items() if name not in _GIVEN}, made.environment)
    variables = [{"name": "VLLM_ADDITIONAL_ARGS", "value": shlex.join(rest.arguments())}, *environment(rest)]
    template: dict[str, Any] = {
        "containers": [
            {
                "name": "main",
                "image": image(service.engine, service.deployment.engine_version, gpu.vendor),
                "env": variables,
                "resources": {"limits": {resource(TARGET, gpu): str(len(launchers[0].ranks))}},
            }
        ]
    }
    if label := product(gpu):
        template["nodeSelector"] = {PRODUCT_LABEL: label}
    name = service.model.name
    revision = f":{service.model.revision}" if service.model.revision else ""
    document = {
        "apiVersion": "serving.kserve.io/v1alpha2",
        "kind": "LLMInferenceService",
        "metadata": {
            "name": group.name,
            "annotations": {STAGES: "\n".join(stage_lines(service, devices=False))},
        },
        "spec": {
            "model": {"uri": f"file://{name}" if service.model.local else f"hf://{name}{revision}", "name": name},
            "replicas": group.copies,
            "parallelism": {"tensor": service.replica.layout.tensor_parallel_size},
            "template": template,
            "router": {"gateway": {}, "route": {}, "scheduler": {}},
        },
    }
    return dump(document, head=[service.deployment.model, *service.model.notes])
