"""Docker Compose: one file a node, one service a launcher, each with its own GPUs by index."""

from typing import Any

from planner.export.command import Command
from planner.export.engine_command import engine_command
from planner.export.image import image
from planner.export.manifest import dump
from planner.export.pod import HEALTH
from planner.export.rank import Launcher
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import port_of, stage_lines
from planner.export.service import Service, services
from planner.export.spot import Spot
from planner.plan_document import Plan

TARGET = "compose"
ENGINES = ("vllm", "sglang", "trtllm", "llamacpp")
FOLDER = "/etc/gpuplan"
STAGES = "gpuplan.stages"
START = """\
On each node: `docker compose -f compose-NODE.yaml up -d`, with HF_TOKEN set for gated models. Containers use the
host's network, so that the launchers of a replica on several nodes find each other by the name of the first one's
node: make that name resolve."""


def files(plan: Plan) -> dict[str, str]:
    """Return one Compose file a node; raises Refused for GPUs that Docker cannot reserve."""
    nodes: dict[str, dict[str, Any]] = {}
    endpoints = {}
    for service in services(plan):
        endpoints[service.name] = f"{service.nodes[0]}:{port_of(service)}"
        for launcher in engine_command(service.engine).launchers_of(service):
            document = nodes.setdefault(launcher.node, {"name": "gpuplan", "services": {}})
            _add(document, service, launcher, port_of(service))
    found = {f"compose-{node}.yaml": dump(document) for node, document in nodes.items()}
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _add(document: dict[str, Any], service: Service, launcher: Launcher, port: int) -> None:
    """Add one launcher, and the config files it reads, to the document of its node."""
    module = engine_command(service.engine)
    all_launchers = module.launchers_of(service)
    spot = Spot(
        port=port,
        rank=str(launcher.number),
        launchers=len(all_launchers),
        address=all_launchers[0].node,
        rendezvous=module.FIRST_RENDEZVOUS + service.number % 1000,
        head=launcher.number == 0,
        folder=FOLDER,
    )
    command = module.command(service, spot)
    name = service.name if len(all_launchers) == 1 else f"{service.name}-rank{launcher.number}"
    document["services"][name] = _container(name, service, launcher, command, port if spot.head else None)
    for path, content in command.files.items():
        document.setdefault("configs", {})[_config_name(name, path)] = {"content": content}


def _container(name: str, service: Service, launcher: Launcher, command: Command, port: int | None) -> dict[str, Any]:
    kinds = dict.fromkeys(rank.gpu for rank in launcher.ranks)
    if {gpu.vendor for gpu in kinds} != {"nvidia"}:
        names = ", ".join(gpu.slug for gpu in kinds)
        raise Refused(TARGET, f"Docker reserves NVIDIA devices only, and {service.name} stands on {names}")
    container: dict[str, Any] = {
        "image": image(service.engine, service.deployment.engine_version, "nvidia"),
        "entrypoint": list(command.program[:1]),
        "command": [*command.program[1:], *command.arguments()],
        "environment": {"CUDA_VISIBLE_DEVICES": _visible(launcher), **command.environment, "HF_TOKEN": "${HF_TOKEN:-}"},
        "network_mode": "host",
        "ipc": "host",
        "restart": "unless-stopped",
        "labels": {STAGES: "\n".join(stage_lines(service, devices=False))},
        "deploy": {"resources": {"reservations": {"devices": [_devices(launcher)]}}},
    }
    if service.model.local:
        container["volumes"] = [f"{service.model.name}:{service.model.name}:ro"]
    if command.files:
        container["configs"] = [{"source": _config_name(name, path), "target": path} for path in command.files]
    if port is not None:
        url = f"http://127.0.0.1:{port}{HEALTH.get(service.engine, '/health')}"
        container["healthcheck"] = {
            "test": ["CMD", "python3", "-c", f"import urllib.request as u; u.urlopen('{url}')"],
            "interval": "30s",
            "start_period": "60m",
        }
    return container


def _devices(launcher: Launcher) -> dict[str, Any]:
    return {"driver": "nvidia", "device_ids": _reserved(launcher), "capabilities": ["gpu"]}


def _visible(launcher: Launcher) -> str:
    """Inside the container the reserved GPUs count from 0: name them in rank order."""
    reserved = _reserved(launcher)
    return ",".join(str(reserved.index(rank.container_id)) for rank in launcher.ranks)


def _reserved(launcher: Launcher) -> list[str]:
    """The GPUs as Docker names them, in the order of their numbers."""
    return sorted(
        (rank.container_id for rank in launcher.ranks), key=lambda name: [int(part) for part in name.split(":")]
    )


def _config_name(name: str, path: str) -> str:
    return f"{name}-{path.rpartition('/')[2].replace('.', '-')}"
