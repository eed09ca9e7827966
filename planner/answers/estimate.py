"""What `gpuplan estimate --json` prints."""

from typing import Any

from pydantic import Field

from planner.documents import Document
from planner.layout import Layout
from planner.plan_document import DeviceLines


class BoundedLines(DeviceLines):
    """The memory bill of one device, with the bytes that each predicted line stays below at the confidence asked."""

    upper_edges: dict[str, int]


class ErrorBand(Document):
    """Shares that nine of ten measured runs stayed within."""

    ttft: float
    tpot: float
    throughput: float


class Speed(Document):
    """How fast one replica answers under its load; rates within the targets, where any are asked for."""

    ttft_ms: float = Field(description="mean time to the first token")
    tpot_ms: float = Field(description="mean time of each token after it")
    ttft_p99_ms: float
    tpot_p99_ms: float
    output_tokens_per_s: float
    tokens_per_s_per_gpu: float
    prefill_tokens_per_s: float
    batch: float = Field(description="mean sequences in a step")
    requests_per_second: float = Field(description="the most within the targets")
    in_flight: int = Field(description="requests in flight at that rate")
    saturated_output_tokens_per_s: float
    provenance: str = Field(description="what the constants were fitted on")
    error_band: ErrorBand
    meets_targets: bool
    assumptions: list[str]


class Simulated(Document):
    """With --simulate: requests played out one by one, beside the closed form for the same traffic."""

    source: str
    carried: str = Field(alias="load")
    input_tokens: int
    output_tokens: int
    simulated: dict[str, float]
    closed_form: dict[str, float]
    ratio: dict[str, float]


class Bill(Document):
    """What one layout holds on its devices, and whether it starts and holds a sequence."""

    model: str
    engine: str
    engine_version: str
    gpu: str
    layout: Layout
    fits: bool
    reasons: list[str] = Field(description="why it does not")
    kv_cache_tokens: int
    max_concurrency: float = Field(description="as the engine logs it")
    sequences: int = Field(description="of full length, held at once")
    assumptions: list[str]


class Estimate(Bill):
    """Memory bill and speed of one layout."""

    per_device: list[BoundedLines]
    speed: Speed | None = Field(description="None where it does not fit or the GPU's rates are unknown")
    simulation: Simulated | None = None


class Launch(Bill):
    """The bill of one launch that was read."""

    where: str
    copies: int
    per_device: list[BoundedLines | DeviceLines]
    unknown_flags: list[str]


class Verification(Document):
    """What `gpuplan verify SOURCE --json` prints."""

    source: str
    fits: bool
    launches: list[Launch]


class Term(Document):
    """One figure that an engine logged, beside ours."""

    term: str
    predicted: float
    logged: float
    error: float = Field(description="0.01 is 1 %")


class LogVerification(Document):
    """What `gpuplan verify --log FILE --json` prints."""

    source: str
    engine: str
    engine_version: str
    model: str
    model_type: str
    gpu: str
    architecture: str
    layout: str
    ranks: str
    precision: str | None = None
    fits: bool | None
    log_fits: bool | None
    reasons: list[str]
    margin: dict[str, int]
    terms: list[Term]
    not_predicted: dict[str, str]
    assumptions: list[str]
    row: dict[str, Any] = Field(description="the run as `backtest` takes it")
