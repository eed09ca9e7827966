"""Text Generation Inference, which is in maintenance mode: tensor parallelism on one node.

We hold no memory rules of TGI: the plan was made for another engine, its limits are carried over as far as
TGI's flags have a word for them (docs/source/reference/launcher.md, 3.3), and the files say so.
"""

from planner.export.command import Command, FlagValue
from planner.export.image import image
from planner.export.rank import launchers, stage_ranks
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import port_of, stage_lines
from planner.export.service import Service, services
from planner.launch.flag_table import flag_table
from planner.launch.tgi import LIMITS
from planner.plan_document import Plan

TARGET = "tgi"
ENGINES = ("vllm",)
START = """\
Run each `serve-*.sh` on the node that its head names, in the image named there. TGI is in maintenance mode, and its
memory was not modelled: the plan was made for vLLM and only its limits are carried over. Prefer `--to vllm`."""
_BLOCK = 16


def files(plan: Plan) -> dict[str, str]:
    """Return a script a replica; raises Refused for what TGI has no flag for."""
    found = {f"serve-{service.number}.sh": _script(service) for service in services(plan)}
    endpoints = {service.name: f"{service.nodes[0]}:{port_of(service)}" for service in services(plan)}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _script(service: Service) -> str:
    layout, model = service.replica.layout, service.model
    _refuse(service)
    [launcher] = launchers(stage_ranks(service)[0])
    flags: dict[str, FlagValue] = {"model-id": model.name, "port": port_of(service)}
    if model.revision:
        flags["revision"] = model.revision
    if model.remote_code:
        flags["trust-remote-code"] = True
    flags["num-shard"] = layout.tensor_parallel_size
    flags["max-input-tokens"] = layout.max_model_len - 1
    for field in ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "memory_fraction"):
        flags[LIMITS[field]] = getattr(layout, field)
    if layout.kv_cache_dtype != "auto":
        flags[LIMITS["kv_cache_dtype"]] = layout.kv_cache_dtype
    if layout.enforce_eager:
        flags["cuda-graphs"] = "0"
    command = Command(("text-generation-launcher",), flags, {"CUDA_VISIBLE_DEVICES": launcher.visible})
    head = [
        f"{service.deployment.model}, replica {service.name} on {launcher.node}",
        f"planned for {service.engine} {service.deployment.engine_version}; TGI's own memory is not modelled",
        f"image {image('tgi', flag_table('tgi').version, service.kinds[0].vendor)}",
        *stage_lines(service),
        *model.notes,
    ]
    return "#!/bin/sh\n" + "".join(f"# {line}\n" for line in head) + f"exec {command.line()}\n"


def _refuse(service: Service) -> None:
    layout = service.replica.layout
    if layout.pipeline_parallel_size > 1 or layout.data_parallel_size > 1 or layout.expert_parallel:
        raise Refused(TARGET, f"{layout.label()}, and TGI knows tensor parallelism only")
    if len(service.nodes) > 1:
        raise Refused(TARGET, f"{service.name} spans {len(service.nodes)} nodes, and TGI's shards stay on one")
    if layout.max_num_batched_tokens < layout.max_model_len - 1:
        raise Refused(TARGET, f"a step of {layout.max_num_batched_tokens} tokens is shorter than the longest prompt")
    if layout.kv_cache_dtype not in ("auto", "fp8_e4m3fn", "fp8_e5m2"):
        raise Refused(TARGET, f"no KV cache of {layout.kv_cache_dtype}")
    if layout.options or layout.block_size != _BLOCK:
        words = ", ".join([*layout.options, *(["block_size"] if layout.block_size != _BLOCK else [])])
        raise Refused(TARGET, f"no flag for {words}")
