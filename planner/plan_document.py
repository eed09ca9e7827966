"""The plan document: the answer, complete enough to be checked without the solver that made it."""

from typing import Any, Literal

from pydantic import Field

from planner.documents import Document
from planner.layout import Layout
from planner.phase import Phase
from planner.request import ObjectiveName, Request


class DeviceLines(Document):
    """The memory bill of one device, in bytes."""

    rank: int
    stage: int
    weights_bytes: int
    kv_cache_bytes: int
    activation_bytes: int
    cuda_graph_bytes: int
    non_torch_bytes: int
    total_bytes: int
    device_bytes: int
    usable_bytes: int


class StagePlan(Document):
    """One pipeline stage: its devices, its first and last layer, and how much of its device it may use."""

    devices: list[str]
    gpu: str
    layers: tuple[int, int]
    share_percent: int | None = Field(
        default=None,
        ge=5,
        le=95,
        multiple_of=5,
        description="part of its only GPU; None: all of its GPUs",
    )


class Capacity(Document):
    """What a replica carries: full-length sequences at once, the tokens its cache holds; rates within the targets."""

    sequences: int
    kv_cache_tokens: int
    requests_per_second: float | None = None
    tokens_per_second: float | None = None


class ReplicaPlan(Document):
    """One copy of a model on named devices; with a phase it is a worker of a pool (`Deployment.pools`)."""

    phase: Phase | None = None
    layout: Layout
    stages: list[StagePlan]
    per_device: list[DeviceLines]
    speed: dict[str, Any] | None = None
    capacity: Capacity


class PoolPair(Document):
    """A pool that prefills and one that decodes: replicas by number, any of the first may serve any of the second.

    Caches are sent over `kv_link`, `kv_gbps` a second, direction and GPU, on the worst way between the pools.
    """

    prefill: list[int]
    decode: list[int]
    kv_link: Literal["nvlink", "xgmi", "pcie", "network"]
    kv_gbps: float
    requests_per_second: float = Field(description="what the pools carry together, within the targets")


class Deployment(Document):
    """All copies of one model."""

    model: str
    engine: str
    engine_version: str
    source: str = Field(default="", description="the MODEL that is loaded; empty: as requested")
    quantized_on_load: str | None = None
    changes: list[str] = Field(default=[], description="what differs from the request, within what it allows")
    replicas: list[ReplicaPlan]
    pools: list[PoolPair] = Field(default=[], description="prefill and decode pools that belong together")


class IslandUse(Document):
    """GPUs of a node, by name, that one link joins."""

    gpus: list[str]
    link: Literal["nvlink", "xgmi", "pcie", "network"]
    gbps: float = Field(description="GB/s per direction and GPU while all talk")
    name: str = ""


class NodeUse(Document):
    """A node that is used: what it is, how it is wired, and what it costs."""

    name: str
    instance: str | None = Field(default=None, description="what to rent, as `--on` takes it: aws:p5.48xlarge")
    region: str | None = None
    spot: bool = False
    gpus: dict[str, str] = Field(description="kind of each GPU, by its name on the node")
    gpus_used: int
    usd_per_hour: float | None = Field(description="price of the node and of its GPUs in use")
    price_basis: str = Field(default="", description="where the price comes from")
    islands: list[IslandUse] = Field(default=[], description="innermost first")
    network_gbps: float = Field(default=0.0, description="GB/s per direction and GPU to other nodes; 0: unknown")


class Objective(Document):
    """What is best, what was reached, and what is proven: USD an hour, GPUs, ms an answer, output tokens a second."""

    name: ObjectiveName
    value: float | None
    bound: float | None
    gap: float | None


class SolveRecord(Document):
    """How the answer was found; `seconds` stays empty unless asked for, so that equal plans are equal bytes."""

    seconds: float | None = None
    solver: str
    shapes_considered: int
    shapes_kept: int


class Moves(Document):
    """What a plan changes of the one that runs: replicas by name of the model and their devices."""

    kept: int = Field(description="replicas that stay on their devices")
    stopped: list[str] = Field(description="replicas of the earlier plan that end")
    started: list[str] = Field(description="replicas that load their weights")
    bytes_to_load: int = Field(description="weights that are loaded, over all devices")


class Plan(Document):
    """The answer to a request: what runs where, its memory and speed, the proof, or why nothing fits."""

    status: Literal["optimal", "feasible", "infeasible"]
    objective: Objective
    cost_usd_per_hour: float | None
    cost_usd_per_month: float | None = Field(default=None, description="of 730 hours")
    cost_usd_per_million_output_tokens: float | None = Field(
        default=None, description="at the load that was asked for, over all models; None where no rate was"
    )
    gpus_used: int
    nodes_used: int
    nodes: list[NodeUse] = Field(default=[], description="the nodes in use")
    deployments: list[Deployment]
    explanation: list[str] = Field(default=[])
    fixes: list[dict[str, Any]] = Field(default=[], description="smallest changes that make the request feasible")
    alternatives: list[dict[str, Any]] = Field(default=[])
    outlook: list[dict[str, Any]] = Field(
        default=[], description="loads, targets and prices at which the answer changes"
    )
    moves: Moves | None = Field(default=None, description="with --from: what changes of the earlier plan")
    assumptions: list[str] = Field(default=[])
    solve: SolveRecord
    request: Request
