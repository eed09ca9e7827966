"""Which module writes the command of an engine."""

from importlib import import_module
from typing import Protocol, cast

from planner.errors import BadInput
from planner.export.command import Command
from planner.export.rank import Launcher
from planner.export.service import Service
from planner.export.spot import Spot

ENGINES = {
    "vllm": "planner.export.vllm",
    "sglang": "planner.export.sglang",
    "trtllm": "planner.export.trtllm",
    "llamacpp": "planner.export.llamacpp",
}


class EngineCommand(Protocol):
    """What an engine's module offers to its own target and to the platforms around it."""

    FIRST_PORT: int
    PORT_STEP: int
    FIRST_RENDEZVOUS: int

    def launchers_of(self, service: Service) -> list[Launcher]:
        """Cut the replica into launchers."""

    def command(self, service: Service, spot: Spot) -> Command:
        """Return the command of a launcher wherever a platform puts it, no devices named."""


def engine_command(engine: str) -> EngineCommand:
    """Return the module of an engine; raises BadInput when no command is known for it."""
    if engine not in ENGINES:
        raise BadInput(f"no launch command is known for {engine!r}", where="plan", field="engine")
    return cast(EngineCommand, import_module(ENGINES[engine]))
