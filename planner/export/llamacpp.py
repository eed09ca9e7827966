"""llama.cpp: `llama-server` with the layers of every device given, and `ggml-rpc-server` on the other nodes.

Flags as of 0.5.0-dev (common/arg.cpp). `--tensor-split` carries the layers of each device, the last one with
the output: proportions of whole slots give exactly those (src/llama-model.cpp). `--fit off` keeps the server from
changing what was planned.
"""

from planner.engines.llamacpp.options import MODULE_LOADING, read_options
from planner.engines.llamacpp.profile import as_file
from planner.engines.llamacpp.resolved import blocks_of
from planner.export.command import Command, FlagValue
from planner.export.options import option_flags
from planner.export.rank import Launcher, stage_ranks
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import endpoints, scripts
from planner.export.service import Service
from planner.export.spot import Spot
from planner.launch.llamacpp import LIMITS
from planner.layout import Layout
from planner.plan_document import Plan

TARGET = "llamacpp"
ENGINES = ("llamacpp",)
SHARES_GPUS = True
FIRST_PORT = 8080
PORT_STEP = 1
FIRST_RENDEZVOUS = 50052
START = """\
Put the GGUF file that each script names beside it: a published conversion of this type, or your own by
convert_hf_to_gguf.py and llama-quantize. Run each `serve-*.sh` on the node that its head names; where a replica has
several, start those with `ggml-rpc-server` first. They trust whoever reaches them: keep their ports in your network.
Several replicas of one model need a balancer in front."""
_FROM_LAYOUT = ("gpu_layers", "split_mode", "tensor_split", "kv_unified", MODULE_LOADING)


def files(plan: Plan) -> dict[str, str]:
    """Return a script for every launcher of every replica."""
    found = scripts(plan)
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints(plan))}


def launchers_of(service: Service) -> list[Launcher]:
    """One process a node, the server on the node of the first stage."""
    ranks = [rank for stage in stage_ranks(service) for rank in stage]
    nodes = list(dict.fromkeys(rank.node for rank in ranks))
    return [
        Launcher(number, node, tuple(rank for rank in ranks if rank.node == node)) for number, node in enumerate(nodes)
    ]


def command(service: Service, spot: Spot) -> Command:
    """Return the command of one launcher, without naming devices; raises Refused where nodes have no names."""
    if spot.launchers == 1:
        return Command(("llama-server",), _flags(service, spot), _modules(service))
    if spot.address not in service.nodes:
        reason = f"{service.name} spans {spot.launchers} nodes, and the server must be told the name of each"
        raise Refused("this platform", reason, (TARGET,))
    if not spot.head:
        devices = launchers_of(service)[int(spot.rank)].ranks
        names = ",".join(f"CUDA{number}" for number in range(len(devices)))
        flags: dict[str, FlagValue] = {"host": spot.host, "port": spot.rendezvous, "device": names}
        return Command(("ggml-rpc-server",), flags, _modules(service))
    return Command(("llama-server",), {**_flags(service, spot), **_remote(service, spot)}, _modules(service))


def _modules(service: Service) -> dict[str, str]:
    """How CUDA loads its kernels, where the plan says it."""
    said = service.replica.layout.options.get(MODULE_LOADING)
    return {MODULE_LOADING.upper(): str(said)} if said else {}


def _remote(service: Service, spot: Spot) -> dict[str, FlagValue]:
    """The other nodes, and the devices in the order of the stages: remote ones are numbered over all nodes."""
    names: dict[tuple[str, str], str] = {}
    remote = 0
    for launcher in launchers_of(service):
        for number, rank in enumerate(launcher.ranks):
            names[rank.node, rank.index] = f"CUDA{number}" if launcher.number == 0 else f"RPC{remote}"
            remote += launcher.number > 0
    ordered = [names[rank.node, rank.index] for stage in stage_ranks(service) for rank in stage]
    servers = [f"{launcher.node}:{spot.rendezvous}" for launcher in launchers_of(service)[1:]]
    return {"rpc": ",".join(servers), "device": ",".join(ordered)}


def _flags(service: Service, spot: Spot) -> dict[str, FlagValue]:
    """File, place, layers, limits and options under llama.cpp's names."""
    layout = service.replica.layout
    options = read_options(layout.options)
    slots = 1 if options.unified else layout.max_num_seqs
    found: dict[str, FlagValue] = {"model": file_name(service), "host": spot.host, "port": spot.port}
    found |= _split(service, layout)
    found[LIMITS["max_model_len"]] = layout.max_model_len * slots
    found[LIMITS["max_num_seqs"]] = layout.max_num_seqs
    found["kv-unified"] = options.unified
    found[LIMITS["max_num_batched_tokens"]] = layout.max_num_batched_tokens
    found["ubatch-size"] = options.ubatch
    found["flash-attn"] = "on" if options.flash_attention else "off"
    found["cache-type-k"], found["cache-type-v"] = _type_name(options.keys.name), _type_name(options.values.name)
    return found | option_flags("llamacpp", layout, besides=_FROM_LAYOUT) | {"fit": "off"}


def _split(service: Service, layout: Layout) -> dict[str, FlagValue]:
    """Layers on devices, and how they are shared out."""
    options = read_options(layout.options)
    layers = blocks_of(as_file(service.model.model)) + 1 if options.gpu_layers is None else options.gpu_layers
    devices = layout.tensor_parallel_size * layout.pipeline_parallel_size
    found: dict[str, FlagValue] = {"gpu-layers": layers}
    if devices == 1:
        return found | {"split-mode": "none"}
    if options.rows:
        return found | {"split-mode": "row", "tensor-split": str(layout.options.get("tensor_split", _ones(devices)))}
    shares = list(layout.layers_per_stage)
    last = max(device for device, count in enumerate(shares) if count)
    shares[last] += 1
    given = layout.options.get("tensor_split")
    return found | {"split-mode": "layer", "tensor-split": str(given or ",".join(map(str, shares)))}


def _ones(devices: int) -> str:
    return ",".join(["1"] * devices)


def _type_name(name: str) -> str:
    return {"float16": "f16", "bfloat16": "bf16", "float32": "f32"}.get(name, name)


def file_name(service: Service) -> str:
    """Name of the GGUF file: `Llama-3.3-70B-Instruct-Q4_K_M.gguf`; a file of one's own keeps its path."""
    if service.model.local or service.model.name.endswith(".gguf"):
        return service.model.name
    base, _, stored = service.model.name.partition(":")
    stored = stored or (as_file(service.model.model).quantization or "").removeprefix("gguf ")
    return f"{base.rpartition('/')[2]}-{stored}.gguf"
