"""Hugging Face accelerate: `device_map` and `max_memory` for layouts that keep layers whole.

accelerate places modules and runs them one after the other: it has no tensor parallelism, no batching and no
KV pool, so the placement and the room for weights carry over, and the limits stand beside them for the caller.
"""

from typing import Any

from planner.engines.sglang.arguments import given_fraction
from planner.engines.sglang.served_type import served_type
from planner.engines.vllm import formats
from planner.export.manifest import dump
from planner.export.rank import stage_ranks
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import stage_lines
from planner.export.service import Service, services
from planner.export.transformers_modules import module_name, rotary_module
from planner.models.model import Model
from planner.plan_document import Plan

TARGET = "accelerate"
ENGINES = ("vllm", "sglang")
START = """\
`python load-N.py` on the node of replica N loads the model as placed. Batches and caches are the caller's: stay within
the limits that `place-N.yaml` names. The plan was made for a serving engine; only its placement carries over."""
_LOADER = '''\
"""Load {model} as planned: python {name}, with transformers and accelerate installed."""

import yaml
from transformers import AutoModelForCausalLM

with open("{placement}") as file:
    placement = yaml.safe_load(file)
model = AutoModelForCausalLM.from_pretrained(
    placement["model"],
    revision=placement["revision"],
    trust_remote_code=placement["trust_remote_code"],
    device_map=placement["device_map"],
    max_memory=placement["max_memory"],
    dtype=placement["dtype"],
)
print(model.hf_device_map)
'''


def files(plan: Plan) -> dict[str, str]:
    """Return a placement and a loader a replica; raises Refused for layers that are cut."""
    found = {}
    for service in services(plan):
        found[f"place-{service.number}.yaml"] = _placement(service)
        name = f"load-{service.number}.py"
        found[name] = _LOADER.format(model=service.model.name, name=name, placement=f"place-{service.number}.yaml")
    return {**found, "README.md": readme(plan, TARGET, list(found), START, {})}


def _placement(service: Service) -> str:
    layout, model = service.replica.layout, service.model
    if layout.gpus_per_stage > 1:
        raise Refused(TARGET, f"{layout.label()} cuts layers over GPUs, and accelerate places them whole")
    if len(service.nodes) > 1:
        raise Refused(
            TARGET, f"{service.name} spans {len(service.nodes)} nodes, and a device map names one node's GPUs"
        )
    if model.model.components:
        raise Refused(TARGET, "parts beside the decoder have other module names in transformers than in the checkpoint")
    if model.model.tied and layout.pipeline_parallel_size > 1:
        raise Refused(TARGET, "embedding and head are one tensor, which cannot lie on the first and the last GPU")
    if quantized := layout.options.get("quantization"):
        raise Refused(
            TARGET, f"{service.engine} converts the weights to {quantized} as it loads them, accelerate does not"
        )
    if offloaded := layout.options.get("cpu_offload_gb"):
        raise Refused(TARGET, f"{service.engine} keeps up to {offloaded} GiB of weights in host memory as it likes")
    if any(gpu.part for gpu in service.kinds):
        raise Refused(TARGET, f"a device map numbers whole GPUs, and {service.name} stands on parts of them")
    devices = [int(ranks[0].index) for ranks in stage_ranks(service)]
    room = {
        device: line.usable_bytes - (line.total_bytes - line.weights_bytes)
        for device, line in zip(devices, service.replica.per_device, strict=True)
    }
    document: dict[str, Any] = {
        "model": model.name,
        "revision": model.revision,
        "trust_remote_code": model.remote_code,
        "dtype": _loaded_in(service),
        "planned_for": {
            "engine": service.engine,
            "version": service.deployment.engine_version,
            "expert_parallel": layout.expert_parallel,
        },
        "device_map": _device_map(model.model, layout.layers_per_stage, devices),
        "max_memory": {**room, "cpu": 0},
        "limits": {
            name: value
            for name, value in layout.model_dump(mode="json").items()
            if name.startswith(("max_", "memory_", "kv_", "block_", "enforce_", "options"))
        },
    }
    if service.engine == "sglang":
        document["limits"]["memory_fraction"] = given_fraction(model.model, service.sites[0].gpu, layout)
    return dump(document, head=[*stage_lines(service), *model.notes])


def _loaded_in(service: Service) -> str:
    """The type that the engine loads unquantized weights in; the one that a quantized checkpoint names stays."""
    model, layout = service.model.model, service.replica.layout
    if model.quantization:
        return "auto"
    if service.engine == "sglang":
        return served_type(model, layout).name
    return formats.served_type(model, layout, service.sites[0].gpu).name


def _device_map(model: Model, layers_per_stage: tuple[int, ...], devices: list[int]) -> dict[str, int]:
    """Module -> GPU: embeddings on the first, norm and head on the last, every layer on the GPU of its stage."""
    found = {module_name(model, tensor.module): devices[0] for tensor in model.embedding}
    layer = 0
    for count, device in zip(layers_per_stage, devices, strict=True):
        for _ in range(count):
            found[module_name(model, model.layer_prefix.format(layer).rstrip("."))] = device
            layer += 1
    found |= {module_name(model, tensor.module): devices[-1] for tensor in (*model.final, *model.head)}
    if model.tied:
        found["lm_head"] = devices[0]
    if rotary := rotary_module(model):
        found[rotary] = devices[0]
    return found
