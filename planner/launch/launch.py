"""A launch: what one command or config file asks an engine to do, before model and GPU are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from planner.launch.stages import Place
from planner.layout import Limits


@dataclass(frozen=True)
class Launch:
    """One engine, as its launch command describes it.

    `tensor`, `pipeline` and `data` are the sizes of `Layout` (so for SGLang `tensor` is the attention
    tensor size, `--tp-size` divided by the attention data size). `copies` counts independent replicas.
    Of an engine spread over several launchers, `launchers` is their number and `rank` which one this is.
    `places` are those of the stages where the file names their GPU kinds. `environment` holds what was set
    beside the command. `unknown` are the flags the engine does not have, `notes` what else a reader
    should know; neither changes a number silently.
    """

    engine: str
    model: str
    version: str | None = None
    revision: str | None = None
    tensor: int = 1
    pipeline: int = 1
    data: int = 1
    expert_parallel: bool = False
    layers_per_stage: tuple[int, ...] | None = None
    limits: Limits = field(default_factory=Limits)
    copies: int = 1
    launchers: int = 1
    rank: int = 0
    places: tuple[Place, ...] = ()
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    where: str = "command"

    @property
    def devices(self) -> int:
        """GPUs of one copy."""
        return self.tensor * self.pipeline * self.data

    def saying(self, *notes: str) -> "Launch":
        """Return the launch with more notes."""
        return replace(self, notes=(*self.notes, *notes))
