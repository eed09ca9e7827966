"""What `gpuplan frontier --json` prints."""

from typing import Literal

from pydantic import Field

from planner.documents import Document


class Point(Document):
    """One replica of a layout under one load."""

    layout: str
    gpu: str
    gpus: int
    cost: float = Field(description="in the unit of the document")
    in_flight: int
    ttft_ms: float
    tpot_ms: float
    answer_seconds: float
    output_tokens_per_s: float
    usd_per_million_output_tokens: float | None
    provenance: str


class Frontier(Document):
    """The points that no other equals or beats in cost, answer time and throughput, cheapest first."""

    model: str
    engine: str
    engine_version: str
    cost_unit: Literal["usd_per_hour", "gpus"]
    considered: int
    points: list[Point]
    assumptions: list[str]
