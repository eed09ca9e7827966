"""TensorRT-LLM: `trtllm-serve` and the options file that overrides it, with exactly the limits that were modelled.

Options as of 1.2.1 (tensorrt_llm/commands/serve.py; click takes them with underscores only) and keys of LlmArgs
(llmapi/llm_args.py). Ranks run over the tensor group, then the stages (mapping.py). Replicas on several nodes are
started by MPI from the first one, which is how `trtllm-llmapi-launch` wants it; nodes that show different GPUs are
parts of one MPI command, joined by `:`.
"""

import json
from collections.abc import Sequence
from typing import Any

from planner.engines.trtllm.beside import GRAPH_BATCH
from planner.export.command import Command, FlagValue
from planner.export.manifest import dump
from planner.export.rank import Launcher, stage_ranks
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import endpoints, scripts
from planner.export.service import Service
from planner.export.spot import Spot
from planner.launch.trtllm import CACHE, CACHE_OPTIONS, keys
from planner.layout import Layout, OptionValue
from planner.plan_document import Plan

TARGET = "trtllm"
ENGINES = ("trtllm",)
FIRST_PORT = 8000
PORT_STEP = 1
FIRST_RENDEZVOUS = 29500
START = """\
Run each `serve-*.sh` on the node that its head names, in this folder: `serve-*-options.yaml` belongs to it. A replica
on several nodes is started once, on its first node, by mpirun over ssh; under Slurm, `srun --mpi=pmix` takes the place
of `mpirun` and its options. Several replicas of one model need a balancer in front."""


def files(plan: Plan) -> dict[str, str]:
    """Return a script and an options file for every replica."""
    found = scripts(plan)
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints(plan))}


def launchers_of(service: Service) -> list[Launcher]:
    """One launcher on the first node: MPI brings the ranks to the others; raises Refused as `visible_devices` does."""
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    first = next(iter(visible_devices(service)))
    return [Launcher(0, first, tuple(rank for rank in ranks if rank.node == first))]


def visible_devices(service: Service) -> dict[str, list[str]]:
    """`CUDA_VISIBLE_DEVICES` of each node, such that every rank finds its GPU there; raises Refused where none does.

    A rank takes the device of its number modulo what is visible on its node (executor/base_worker.py,
    _get_comm_ranks_device_id) and modulo `gpus_per_node` (mapping.py, Mapping.local_rank): both must be the same. They
    are on nodes with as many GPUs as the fullest one, and where the ranks before fill whole nodes of either number.
    From `gpus_per_node` it also concludes whether a tensor group lies on one node, which must be true.
    """
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    held = {node: [rank for rank in ranks if rank.node == node] for node in service.nodes}
    if [rank.node for rank in ranks] != [node for node, mine in held.items() for _ in mine]:
        raise Refused(TARGET, f"{service.name} goes back to a node that it left, and ranks are numbered node by node")
    most, before, found = max(map(len, held.values())), 0, {}
    for node, mine in held.items():
        turned = before % most
        if len(mine) < most and (turned or before % len(mine)):
            counts = ", ".join(f"{len(on)} on {name}" for name, on in held.items())
            raise Refused(TARGET, f"{service.name} has {counts}: MPI ranks do not find their GPUs in such parts")
        found[node] = [rank.cuda_id for rank in (*mine[len(mine) - turned :], *mine[: len(mine) - turned])]
        before += len(mine)
    for number, stage in enumerate(stage_ranks(service)):
        places = {at // most for at in range(number * len(stage), (number + 1) * len(stage))}
        if (len(places) > 1) != (len({rank.node for rank in stage}) > 1):
            raise Refused(TARGET, f"stage {number} of {service.name} lies over other nodes than gpus_per_node tells")
    return found


def command(service: Service, spot: Spot) -> Command:
    """Return the command of a replica, without naming devices; raises Refused where a platform starts no MPI."""
    serve: tuple[str, ...] = ("trtllm-serve", service.model.name)
    nodes = visible_devices(service)
    if len(nodes) > 1 and spot.folder != ".":
        raise Refused("this platform", f"MPI must start {service.name} on {len(nodes)} nodes", (TARGET,))
    file = f"{spot.folder}/serve-{service.number}-options.yaml"
    found: dict[str, FlagValue] = {"host": spot.host, "port": spot.port, **_flags(service)}
    if len(nodes) > 1:
        found["gpus_per_node"] = max(map(len, nodes.values()))
    found["extra_llm_api_options"] = file
    first, *others = [(*program, *serve) for program in _by_mpi(nodes)] if len(nodes) > 1 else [serve]
    return Command(first, found, files={file: dump(options_file(service.replica.layout))}, others=tuple(others))


def _by_mpi(nodes: dict[str, list[str]]) -> list[tuple[str, ...]]:
    """What starts the ranks: one part for all nodes where the same GPUs are visible, else one a node."""
    launch = "trtllm-llmapi-launch"
    shown = {",".join(visible) for visible in nodes.values()}
    if len(shown) == 1 and "$(" not in min(shown):
        hosts = ",".join(f"{node}:{len(visible)}" for node, visible in nodes.items())
        ranks = sum(map(len, nodes.values()))
        return [("mpirun", "-n", str(ranks), "--host", hosts, "-x", "CUDA_VISIBLE_DEVICES", launch)]
    parts = [
        ("-n", str(len(visible)), "--host", f"{node}:{len(visible)}", *_showing(visible))
        for node, visible in nodes.items()
    ]
    return [("mpirun", *parts[0], launch), *((*part, launch) for part in parts[1:])]


def _showing(visible: Sequence[str]) -> tuple[str, ...]:
    """What makes GPUs visible to the program that follows; names of slices are asked for on their node."""
    setting = f"CUDA_VISIBLE_DEVICES={','.join(visible)}"
    return ("sh", "-c", f'export {setting}; exec "$@"', "sh") if "$(" in setting else ("env", setting)


def _flags(service: Service) -> dict[str, FlagValue]:
    """Sizes and limits under the names of `trtllm-serve`."""
    layout, model = service.replica.layout, service.model
    found: dict[str, FlagValue] = {}
    if model.revision:
        found["revision"] = model.revision
    if model.remote_code:
        found["trust_remote_code"] = True
    if "backend" in layout.options:
        found["backend"] = str(layout.options["backend"])
    found["tp_size"] = layout.gpus_per_stage
    found["pp_size"] = layout.pipeline_parallel_size
    if layout.expert_parallel:
        found["ep_size"] = layout.gpus_per_stage
    found["max_seq_len"] = layout.max_model_len
    found["max_batch_size"] = layout.max_num_seqs
    found["max_num_tokens"] = layout.max_num_batched_tokens
    found["free_gpu_memory_fraction"] = layout.memory_fraction
    return found


def options_file(layout: Layout) -> dict[str, Any]:
    """Return what only the file can say; a section of it replaces the whole section, so each is complete."""
    found: dict[str, Any] = {}
    if layout.data_parallel_size > 1:
        found["enable_attention_dp"] = True
    if layout.pipeline_parallel_size > 1:
        found["pp_partition"] = list(layout.layers_per_stage)
    cache = {
        "free_gpu_memory_fraction": layout.memory_fraction,
        "dtype": layout.kv_cache_dtype,
        "tokens_per_block": layout.block_size,
    }
    assert cache.keys() == CACHE.keys()
    cached = {key: _value(layout.options[key]) for key in CACHE_OPTIONS if key in layout.options}
    found["kv_cache_config"] = cache | cached
    if layout.enforce_eager:
        found["cuda_graph_config"] = None
    elif GRAPH_BATCH in layout.options:
        found["cuda_graph_config"] = {"max_batch_size": layout.options[GRAPH_BATCH], "enable_padding": True}
    for option, value in layout.options.items():
        if option in keys("config") and option not in found and option != "backend":
            found[option] = _value(value)
    return found


def _value(value: OptionValue) -> object:
    """Lists and sections as such: options hold them as JSON."""
    return json.loads(value) if isinstance(value, str) and value[:1] in ("{", "[") else value
