"""SGLang: `sglang.launch_server` with every limit given, so that nothing is left to its automatic rules.

Flags as of SGLang 0.5.23 (srt/server_args.py). `--tp-size` is our tensor size times the attention data size;
`--max-running-requests` and `--chunked-prefill-size` are for all attention groups together. Ranks run over
the tensor group, then the stages; several launchers share them evenly by `--nnodes`.
"""

from planner.engines.sglang.arguments import given_fraction
from planner.export.command import Command, FlagValue
from planner.export.options import option_flags
from planner.export.pools import bootstrap_port, routers
from planner.export.rank import Launcher, launchers, stage_ranks
from planner.export.readme import readme
from planner.export.script import endpoints, scripts
from planner.export.service import Service
from planner.export.spot import Spot
from planner.launch.sglang import LIMITS, PARTITION
from planner.plan_document import Plan

ENGINES = ("sglang",)
JOINS_POOLS = True
FIRST_PORT = 30000
PORT_STEP = 100
FIRST_RENDEZVOUS = 20000
START = """\
Run each `serve-*.sh` on the node that its head names. The launchers of one replica (`-rank0`, `-rank1`, ...)
start together and find each other by the name of the first one's node: make that name resolve. `--nnodes` counts them,
not machines: a node may hold two. Several replicas of one model need a balancer (sglang_router) in front; for prefill
and decode pools `route-*.sh` starts it."""
_FOLLOWS_FROM_VERSION = (
    *("cloned_shared_experts", "kept_loaded_experts", "plain_state_slots", "state_slots_by_memory", "windows_in_full"),
)


def files(plan: Plan) -> dict[str, str]:
    """Return a script for every launcher of every replica."""
    found = scripts(plan) | routers(plan, endpoints(plan))
    return {**found, "README.md": readme(plan, "sglang", list(found), START, endpoints(plan))}


def launchers_of(service: Service) -> list[Launcher]:
    """Cut the replica: SGLang gives a launcher whole stages, or an even part of one (Engine, _launch_subprocesses)."""
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    stage = service.replica.layout.gpus_per_stage
    return launchers(ranks, lambda size: size % stage == 0 or stage % size == 0)


def command(service: Service, spot: Spot) -> Command:
    """Return the command of one launcher, without naming devices."""
    program = ("python3", "-m", "sglang.launch_server")
    found: dict[str, FlagValue] = {"model-path": service.model.name, "host": spot.host, "port": spot.port}
    found |= _flags(service)
    if spot.launchers > 1:
        found |= {
            "nnodes": spot.launchers,
            "node-rank": spot.rank,
            "dist-init-addr": f"{spot.address}:{spot.rendezvous}",
        }
    if service.replica.phase == "prefill":
        found["disaggregation-bootstrap-port"] = bootstrap_port(service)
    stages = service.replica.layout.layers_per_stage
    environment = {PARTITION: ",".join(map(str, stages))} if len(stages) > 1 else {}
    return Command(program, found, environment)


def _flags(service: Service) -> dict[str, FlagValue]:
    """Sizes, limits and options under SGLang's names."""
    layout, model = service.replica.layout, service.model
    data = layout.data_parallel_size
    found: dict[str, FlagValue] = {}
    if model.revision:
        found["revision"] = model.revision
    if model.remote_code:
        found["trust-remote-code"] = True
    found["tp-size"] = layout.gpus_per_stage
    found["pp-size"] = layout.pipeline_parallel_size
    if data > 1:
        found["attn-dp-size"] = data
    if layout.expert_parallel:
        found["ep-size"] = layout.gpus_per_stage
    found[LIMITS["max_model_len"]] = layout.max_model_len
    found[LIMITS["max_num_seqs"]] = layout.max_num_seqs * data
    found[LIMITS["max_num_batched_tokens"]] = layout.max_num_batched_tokens * data
    found[LIMITS["memory_fraction"]] = given_fraction(model.model, service.sites[0].gpu, layout)
    found[LIMITS["kv_cache_dtype"]] = layout.kv_cache_dtype
    found[LIMITS["block_size"]] = layout.block_size
    if layout.enforce_eager:
        found[LIMITS["enforce_eager"]] = True
    return found | option_flags("sglang", layout, besides=_FOLLOWS_FROM_VERSION)
