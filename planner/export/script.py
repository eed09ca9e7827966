"""Shell scripts of launchers, with a head that says what they hold."""

from dataclasses import replace

from planner.export.command import Command
from planner.export.engine_command import engine_command
from planner.export.rank import Launcher
from planner.export.service import Service, services
from planner.export.spot import Spot
from planner.fleet.site import Site, usual_site
from planner.launch.stages import Place
from planner.plan_document import Plan

PACKAGES = {
    "vllm": "pip install vllm=={}",
    "sglang": "pip install sglang=={}",
    "trtllm": "pip install tensorrt_llm=={}",
}


def scripts(plan: Plan) -> dict[str, str]:
    """Return a script for every launcher of every replica, and the config files that their commands read."""
    found: dict[str, str] = {}
    for service in services(plan):
        for launcher in engine_command(service.engine).launchers_of(service):
            command = on_node(service, launcher)
            found[script_name(service, launcher)] = script(service, launcher, command)
            found |= {name.removeprefix("./"): content for name, content in command.files.items()}
    return found


def endpoints(plan: Plan) -> dict[str, str]:
    """Return where each service of `scripts` answers."""
    return {service.name: f"{service.nodes[0]}:{port_of(service)}" for service in services(plan)}


def port_of(service: Service) -> int:
    """Return the port of a service among those that start on its head node."""
    module = engine_command(service.engine)
    return module.FIRST_PORT + module.PORT_STEP * service.slot


def script_name(service: Service, launcher: Launcher) -> str:
    """`serve-0.sh`, or `serve-0-rank1.sh` when the replica has several launchers."""
    several = len(engine_command(service.engine).launchers_of(service)) > 1
    return f"serve-{service.number}-rank{launcher.number}.sh" if several else f"serve-{service.number}.sh"


def on_node(service: Service, launcher: Launcher) -> Command:
    """Return the command of one launcher on its named node, devices pinned."""
    module = engine_command(service.engine)
    launchers = module.launchers_of(service)
    spot = Spot(
        port=port_of(service),
        rank=str(launcher.number),
        launchers=len(launchers),
        address=launchers[0].node,
        rendezvous=module.FIRST_RENDEZVOUS + service.number % 1000,
        head=launcher.number == 0,
    )
    made = module.command(service, spot)
    return replace(made, environment={"CUDA_VISIBLE_DEVICES": launcher.visible, **made.environment})


def script(service: Service, launcher: Launcher, command: Command) -> str:
    """Return the script of one launcher."""
    return f"#!/bin/sh\n{header(service, launcher)}exec {command.line()}\n"


def header(service: Service, launcher: Launcher) -> str:
    """Say in comments which model, which engine, which GPUs; `planner.launch` reads the stages back."""
    version = service.deployment.engine_version
    engine = f"{service.engine} {version}"
    if service.engine in PACKAGES:
        engine += f": {PACKAGES[service.engine].format(version)}"
    lines = [f"{service.deployment.model}, replica {service.name}", engine]
    lines += [f"launcher {launcher.number} on {launcher.node}"]
    lines += stage_lines(service)
    lines += service.model.notes
    return "".join(f"# {line}\n" for line in lines)


def stage_lines(service: Service, *, devices: bool = True) -> list[str]:
    """One line a stage: `stage 0: 8x h100-sxm5-80gb, layers 0-79: node0/gpu0 ...`, with or without the devices."""
    return [
        f"stage {number}: {len(stage.devices)}x {stage.gpu}, layers {stage.layers[0]}-{stage.layers[1]}"
        + _place(site).words()
        + (f": {' '.join(stage.devices)}" if devices else "")
        for number, (stage, site) in enumerate(zip(service.replica.stages, service.sites, strict=True))
    ]


def _place(site: Site) -> Place:
    """The place as a line says it: what differs from the usual machine of the GPU kind."""
    return Place(site.gpu.slug, site.link if site.link != usual_site(site.gpu).link else None, site.used_bytes)
