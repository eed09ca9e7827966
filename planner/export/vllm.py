"""vLLM: one `vllm serve` command a replica, with exactly the limits that were modelled."""

import shlex

from planner.plan_document import Deployment, Plan, ReplicaPlan

FIRST_PORT = 8000


def files(plan: Plan) -> dict[str, str]:
    """Return one script a replica."""
    scripts: dict[str, str] = {}
    for deployment in plan.deployments:
        for replica in deployment.replicas:
            name = f"serve-{len(scripts)}.sh"
            line = command(deployment, replica, port=FIRST_PORT + len(scripts))
            where = ", ".join(device for stage in replica.stages for device in stage.devices)
            pin = f"{deployment.engine}=={deployment.engine_version}"
            scripts[name] = f"#!/bin/sh\n# {deployment.model} on {where}; pip install {pin}\nexec env {line}\n"
    return scripts


def command(deployment: Deployment, replica: ReplicaPlan, port: int = FIRST_PORT) -> str:
    """Return the command line of one replica, environment first."""
    layout = replica.layout
    environment = environment_of(replica)
    words = ["vllm", "serve", deployment.model, "--port", str(port)]
    words += ["--tensor-parallel-size", str(layout.tensor_parallel_size)]
    words += ["--pipeline-parallel-size", str(layout.pipeline_parallel_size)]
    if layout.data_parallel_size > 1:
        words += ["--data-parallel-size", str(layout.data_parallel_size)]
    if layout.expert_parallel:
        words += ["--enable-expert-parallel"]
    words += ["--max-model-len", str(layout.max_model_len)]
    words += ["--max-num-seqs", str(layout.max_num_seqs)]
    words += ["--max-num-batched-tokens", str(layout.max_num_batched_tokens)]
    words += ["--gpu-memory-utilization", f"{layout.memory_fraction:g}"]
    words += ["--kv-cache-dtype", layout.kv_cache_dtype]
    words += ["--block-size", str(layout.block_size)]
    if layout.enforce_eager:
        words += ["--enforce-eager"]
    return " ".join([*(f"{key}={value}" for key, value in environment.items()), shlex.join(words)])


def environment_of(replica: ReplicaPlan) -> dict[str, str]:
    """Visible devices of the first node, and the layers of each stage when they are uneven."""
    devices = [device for stage in replica.stages for device in stage.devices]
    node = devices[0].partition("/")[0]
    local = [device.rpartition("gpu")[2] for device in devices if device.startswith(f"{node}/")]
    environment = {"CUDA_VISIBLE_DEVICES": ",".join(local)}
    if len(set(replica.layout.layers_per_stage)) > 1:
        environment["VLLM_PP_LAYER_PARTITION"] = ",".join(map(str, replica.layout.layers_per_stage))
    return environment
