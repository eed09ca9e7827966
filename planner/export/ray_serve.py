"""Ray Serve LLM: one Serve application, an LLMConfig a group of equal replicas, engine arguments under vLLM's names."""

from typing import Any

from planner.export.accelerator import ray_name
from planner.export.engine_command import engine_command
from planner.export.manifest import dump
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup, replica_groups
from planner.export.script import stage_lines
from planner.export.service import services
from planner.export.spot import Spot
from planner.fleet.gpu import Gpu
from planner.launch.flag_table import Kind, flag_table
from planner.launch.stages import STAGES
from planner.plan_document import Plan

TARGET = "ray-serve"
ENGINES = ("vllm",)
START = """\
On a Ray cluster that has these GPUs and this vLLM: `serve deploy serve.yaml` (or put the file into a RayService).
Set HF_TOKEN on the cluster for gated models."""
_RAY_OWN = ("host", "port", "headless", "nnodes", "node-rank", "master-addr", "master-port", "data-parallel-rpc-port")


def files(plan: Plan) -> dict[str, str]:
    """Return the Serve config; raises Refused where Ray could place stages otherwise than planned."""
    groups = replica_groups(services(plan))
    head = [f"vllm {group.first.deployment.engine_version}" for group in groups[:1]]
    for group in groups:
        head += [group.name, *group.first.model.notes]
    document = {
        "applications": [
            {
                "name": "llm",
                "route_prefix": "/",
                "import_path": "ray.serve.llm:build_openai_app",
                "args": {"llm_configs": [_config(group) for group in groups]},
            }
        ]
    }
    found = {"serve.yaml": dump(document, head=head)}
    endpoints = {service.name: "127.0.0.1:8000" for group in groups for service in group.services}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _config(group: ReplicaGroup) -> dict[str, Any]:
    service = group.first
    gpu = alike(TARGET, group)
    if ray_name(gpu.slug) is None:
        raise Refused(TARGET, f"Ray has no accelerator type for {gpu.slug}")
    if service.replica.layout.data_parallel_size > 1:
        raise Refused(TARGET, "attention data parallelism needs another builder than build_openai_app")
    made = engine_command("vllm").command(service, Spot(port=8000))
    table = flag_table("vllm")
    arguments = {
        name.replace("-", "_"): value
        for name, value in made.flags.items()
        if name not in _RAY_OWN and (table.kinds.get(name) or Kind.VALUE)
    }
    config: dict[str, Any] = {
        "model_loading_config": {"model_id": service.name.rpartition("-")[0], "model_source": service.model.name},
        "accelerator_type": ray_name(gpu.slug),
        "deployment_config": {"num_replicas": group.copies},
        "engine_kwargs": {**arguments, "distributed_executor_backend": "ray"},
        "placement_group_config": {"bundles": [{"CPU": 1, "GPU": 1}] * service.replica.layout.gpus, "strategy": "PACK"},
    }
    stages = {STAGES: "\n".join(stage_lines(service, devices=False))}
    config["runtime_env"] = {"env_vars": {**made.environment, **stages}}
    return config


def alike(target: str, group: ReplicaGroup) -> Gpu:
    """Return the one GPU kind of a group; raises Refused when Ray could not be told what goes where."""
    service = group.first
    if len(service.kinds) > 1:
        names = " and ".join(gpu.slug for gpu in service.kinds)
        raise Refused(target, f"Ray orders ranks by node, not by GPU kind, and {service.name} has {names}")
    counts = {node: sum(device.startswith(f"{node}/") for device in service.devices) for node in service.nodes}
    if len(set(counts.values())) > 1:
        raise Refused(target, f"Ray orders ranks by node, and {service.name} takes {counts} GPUs of them")
    return service.kinds[0]
