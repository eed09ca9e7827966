"""TensorRT-LLM: `trtllm-serve` and the options file that overrides it, with exactly the limits that were modelled.

Options as of 1.2.1 (tensorrt_llm/commands/serve.py; click takes them with underscores only) and keys of LlmArgs
(llmapi/llm_args.py). Ranks run over the tensor group, then the stages (mapping.py). Replicas on several nodes are
started by MPI from the first one, which is how `trtllm-llmapi-launch` wants it.
"""

import json
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
    """One launcher on the first node: MPI brings the ranks to the others.

    A rank takes the device of its number on its node (Mapping.local_rank), so all nodes must offer the same ones in
    rank order, the last perhaps fewer; raises Refused where they do not.
    """
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    held = _held(service)
    nodes, (first, *others) = list(held), held.values()
    in_order = [rank.node for rank in ranks] == [node for node in nodes for _ in held[node]]
    whole = all(indices == first for indices in others[:-1])
    if not in_order or not whole or (others and others[-1] != first[: len(others[-1])]):
        raise Refused(TARGET, f"{service.name} needs the same GPUs on each of {', '.join(nodes)}, in rank order")
    return [Launcher(0, nodes[0], tuple(rank for rank in ranks if rank.node == nodes[0]))]


def _held(service: Service) -> dict[str, list[str]]:
    """Local indices of the GPUs of each node, in rank order."""
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    return {node: [rank.index for rank in ranks if rank.node == node] for node in service.nodes}


def command(service: Service, spot: Spot) -> Command:
    """Return the command of a replica, without naming devices; raises Refused where a platform starts no MPI."""
    program: tuple[str, ...] = ("trtllm-serve", service.model.name)
    gpus, nodes = service.replica.layout.gpus, _held(service)
    if len(nodes) > 1:
        if spot.folder != ".":
            raise Refused("this platform", f"MPI must start {service.name} on {len(nodes)} nodes", (TARGET,))
        hosts = ",".join(f"{node}:{len(indices)}" for node, indices in nodes.items())
        mpi = ("mpirun", "-n", str(gpus), "--host", hosts, "-x", "CUDA_VISIBLE_DEVICES", "trtllm-llmapi-launch")
        program = (*mpi, *program)
    file = f"{spot.folder}/serve-{service.number}-options.yaml"
    found: dict[str, FlagValue] = {"host": spot.host, "port": spot.port, **_flags(service)}
    if len(nodes) > 1:
        found["gpus_per_node"] = len(next(iter(nodes.values())))
    found["extra_llm_api_options"] = file
    return Command(program, found, files={file: dump(options_file(service.replica.layout))})


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
