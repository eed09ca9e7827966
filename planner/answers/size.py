"""What `gpuplan size --json` prints."""

from pydantic import Field

from planner.documents import Document
from planner.workload import Workload


class Step(Document):
    """A number of GPUs of a kind, and what it carries."""

    gpus: int
    usd_per_hour: float | None = Field(description="at the lowest on-demand price of such a GPU; None: unknown")
    layout: str
    sequences: int = Field(description="of full length, held at once by all replicas")
    carries: str


class Size(Document):
    """The least count of one kind; `gpus` None: no number of them will do, `binds` says why."""

    gpu: str
    gpus: int | None
    usd_per_hour: float | None
    layout: str | None
    replicas: int
    sequences: int
    carries: str | None
    binds: str
    next: Step | None = Field(description="the next count that carries more")


class Sizes(Document):
    """How many GPUs of each kind a model needs, cheapest first."""

    model: str
    engine: str
    engine_version: str
    workload: Workload
    sizes: list[Size]
    assumptions: list[str]
