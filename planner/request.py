"""The request: which models, under which load, on which inventory."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from planner.confidence import CONFIDENCE
from planner.documents import Document
from planner.layout import Limits
from planner.workload import Workload

Minimised = Literal["cost", "gpus"]
ObjectiveName = Literal["cost", "gpus", "latency", "throughput"]
Domain = Literal["node", "rack", "zone"]


def _listed(value: Any) -> Any:
    """One text stands for a list of one."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[str], BeforeValidator(_listed)]


class Allowed(Document):
    """What the planner may change to make a model cheaper; nothing unless it is named here."""

    quantization: Texts = Field(
        default=[], description="weight schemes: fp8 (while loading, or a checkpoint), awq, gptq ... (checkpoints)"
    )
    checkpoints: Texts = Field(default=[], description="other MODELs that may be served in its place")
    kv_cache_dtype: Texts = Field(default=[], description="cache dtypes beside the one in `limits`: fp8 ...")
    engines: Texts = Field(default=[], description="engines beside `engine`")
    context_down_to: int | None = Field(default=None, ge=1, description="shortest context ceiling that will do")
    disaggregation: bool = Field(default=False, description="prefill and decode may run in pools of their own")
    share_gpus: bool = Field(default=False, description="a replica may take a part of one GPU, others the rest of it")


class ModelRequest(Document):
    """One model to place. Nodes are named, matched (`gpu-*`) or chosen by `zone:`, `rack:` or `gpu:`."""

    model: str = Field(description="catalogue name, file or directory")
    engine: str = "vllm"
    workload: Workload = Workload()
    limits: Limits = Limits()
    allow: Allowed = Allowed()
    nodes: Texts = Field(default=[], description="only on these nodes")
    exclude_nodes: Texts = Field(default=[], description="never on these nodes")
    least_replicas: int = Field(default=1, ge=1, le=10**6)
    most_replicas: int | None = Field(default=None, ge=1, le=10**6)
    spread: Domain | None = Field(default=None, description="at most one replica a node, rack or zone")
    pack: Domain | None = Field(default=None, description="all replicas in one node, rack or zone")
    survive: Literal["node"] | None = Field(default=None, description="the load is carried after the loss of any node")

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.most_replicas is not None and self.most_replicas < self.least_replicas:
            raise ValueError(f"most_replicas of at least least_replicas, {self.least_replicas}")
        if (self.allow.context_down_to or self.workload.least_context) < self.workload.least_context:
            raise ValueError(
                f"allow.context_down_to of at least {self.workload.least_context:,}, the tokens of a request"
            )
        context, longest, floor = self.workload.context, self.limits.max_model_len, self.allow.context_down_to
        if context and floor and floor > context:
            raise ValueError(f"allow.context_down_to of at most the context, {context:,}")
        if context and longest and longest < (floor or context):
            raise ValueError(f"limits.max_model_len of at least the context, {floor or context:,}")
        if self.spread and self.pack:
            raise ValueError("spread or pack, not both")
        return self


class Request(Document):
    """Everything a plan answers; written into the plan so that it can be checked."""

    models: list[ModelRequest] = Field(min_length=1)
    on: str = Field(description="inventory file or shorthand")
    add_nodes: str | None = Field(default=None, description="nodes beside the inventory, in shorthand")
    exclude_nodes: Texts = Field(default=[], description="nodes that nothing may run on")
    max_usd_per_hour: float | None = Field(default=None, ge=0, le=1e12, description="most that may be spent")
    max_gpus: int | None = Field(default=None, ge=1, description="most GPUs that may be used")
    confidence: float = Field(
        default=CONFIDENCE, ge=0.5, lt=1, description="how sure it must be that the memory of every device suffices"
    )
    objective: ObjectiveName | None = Field(
        default=None,
        description="what is best: the cost (where prices are known, else the GPUs), the GPUs, the longest time of an"
        " answer, or the output tokens a second over all models; of the last two, then the cheapest",
    )
