"""The request: which models, under which load, on which inventory."""

from typing import Literal

from pydantic import Field

from planner.documents import Document
from planner.layout import Limits
from planner.workload import Workload

ObjectiveName = Literal["cost", "gpus"]


class ModelRequest(Document):
    """One model to place."""

    model: str = Field(description="catalogue name, file or directory")
    engine: str = "vllm"
    workload: Workload = Workload()
    limits: Limits = Limits()


class Request(Document):
    """Everything a plan answers; written into the plan so that it can be checked."""

    models: list[ModelRequest] = Field(min_length=1)
    on: str = Field(description="inventory file or shorthand")
    add_nodes: str | None = Field(default=None, description="nodes beside the inventory, in shorthand")
    objective: ObjectiveName | None = Field(default=None, description="None: cost where prices are known")
