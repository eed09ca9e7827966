"""Shell scripts of launchers, with a head that says what they hold."""

from planner.export.command import Command
from planner.export.rank import Launcher
from planner.export.service import Service

PACKAGES = {
    "vllm": "pip install vllm=={}",
    "sglang": "pip install sglang=={}",
    "trtllm": "pip install tensorrt_llm=={}",
}


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
        + (f": {' '.join(stage.devices)}" if devices else "")
        for number, stage in enumerate(service.replica.stages)
    ]
