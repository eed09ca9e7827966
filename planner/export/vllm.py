"""vLLM: `vllm serve` with exactly the limits that were modelled, as script, config file and environment.

Flags and rank order as of vLLM 0.33 (engine/arg_utils.py, v1/executor/multiproc_executor.py): global
ranks run over tensor, then pipeline, then data; several launchers share them evenly by `--nnodes`.
"""

import yaml

from planner.export.command import Command, FlagValue
from planner.export.options import option_flags
from planner.export.pools import routers, side_channel
from planner.export.rank import Launcher, Rank, launchers, stage_ranks
from planner.export.readme import readme
from planner.export.script import endpoints, header, on_node, scripts
from planner.export.service import Service, services
from planner.export.spot import Spot
from planner.launch.vllm import LIMITS, PARTITION, SIZES
from planner.plan_document import Plan

ENGINES = ("vllm",)
JOINS_POOLS = True
SHARES_GPUS = True
FIRST_PORT = 8000
PORT_STEP = 1
FIRST_RENDEZVOUS = 29501
START = """\
Run each `serve-*.sh` on the node that its head names. The launchers of one replica (`-rank0`, `-rank1`, ...)
start together and find each other by the name of the first one's node: make that name resolve. `--nnodes` counts them,
not machines: a node may hold two. Several replicas of one model need a balancer in front; for prefill and decode pools
`route-*.sh` starts it (`pip install vllm-router`), and their workers need `nixl`. `serve-*.yaml` says the same for
`vllm serve --config`, with `serve-*.env` set."""


def files(plan: Plan) -> dict[str, str]:
    """Return for each replica a script a launcher, one config file and one environment file."""
    found = scripts(plan)
    for service in services(plan):
        head = launchers_of(service)[0]
        made = on_node(service, head)
        found[f"serve-{service.number}.yaml"] = _config(service, head, made)
        found[f"serve-{service.number}.env"] = "".join(f"{name}={value}\n" for name, value in made.environment.items())
    found |= routers(plan, endpoints(plan))
    return {**found, "README.md": readme(plan, "vllm", list(found), START, endpoints(plan))}


def launchers_of(service: Service) -> list[Launcher]:
    """Cut the replica: a launcher holds whole data-parallel groups or an even part of one (MultiprocExecutor)."""
    layout = service.replica.layout
    group = layout.tensor_parallel_size * layout.pipeline_parallel_size
    return launchers(_ranks(service), lambda size: size % group == 0 or group % size == 0)


def _ranks(service: Service) -> list[Rank]:
    """GPUs in vLLM's order: data-parallel group by group, in each stage by stage."""
    stages, tensor = stage_ranks(service), service.replica.layout.tensor_parallel_size
    data = service.replica.layout.data_parallel_size
    return [rank for d in range(data) for stage in stages for rank in stage[d * tensor : (d + 1) * tensor]]


def command(service: Service, spot: Spot) -> Command:
    """Return the command of one launcher, without naming devices."""
    program = ("vllm", "serve", service.model.name)
    found: dict[str, FlagValue] = {"host": spot.host, "port": spot.port} if spot.head else {"headless": True}
    found |= _flags(service)
    if spot.launchers > 1:
        found |= {
            "nnodes": spot.launchers,
            "node-rank": spot.rank,
            "master-addr": spot.address,
            "master-port": spot.rendezvous,
        }
        if service.replica.layout.data_parallel_size > 1:
            found["data-parallel-rpc-port"] = spot.rendezvous + 1000
    stages = service.replica.layout.layers_per_stage
    environment = {PARTITION: ",".join(map(str, stages))} if len(stages) > 1 else {}
    if service.replica.phase:
        environment |= {"VLLM_NIXL_SIDE_CHANNEL_PORT": str(side_channel(service))}
        environment |= {"VLLM_NIXL_SIDE_CHANNEL_HOST": spot.address} if spot.named else {}
    return Command(program, found, environment)


def _flags(service: Service) -> dict[str, FlagValue]:
    """Sizes, limits and options under vLLM's names."""
    layout, model = service.replica.layout, service.model
    found: dict[str, FlagValue] = {}
    if model.revision:
        found["revision"] = model.revision
    if model.remote_code:
        found["trust-remote-code"] = True
    found[SIZES["tensor_parallel_size"]] = layout.tensor_parallel_size
    found[SIZES["pipeline_parallel_size"]] = layout.pipeline_parallel_size
    if layout.data_parallel_size > 1:
        found[SIZES["data_parallel_size"]] = layout.data_parallel_size
    if layout.expert_parallel:
        found["enable-expert-parallel"] = True
    for field in ("max_model_len", "max_num_seqs", "max_num_batched_tokens", "memory_fraction"):
        found[LIMITS[field]] = getattr(layout, field)
    found[LIMITS["kv_cache_dtype"]] = layout.kv_cache_dtype
    found[LIMITS["block_size"]] = layout.block_size
    if layout.enforce_eager:
        found[LIMITS["enforce_eager"]] = True
    return found | option_flags("vllm", layout)


def _config(service: Service, head: Launcher, made: Command) -> str:
    """Return the file for `vllm serve --config`: the same flags as the script of the first launcher."""
    note = f"# vllm serve --config serve-{service.number}.yaml, with serve-{service.number}.env set\n"
    document = {"model": service.model.name, **made.flags}
    return header(service, head) + note + yaml.safe_dump(document, sort_keys=False, width=120)
