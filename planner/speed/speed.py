"""The predicted speed of one replica."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from math import log
from typing import Any

from planner.speed.traffic import traffic
from planner.workload import Workload

TAIL = log(100)
"""99th percentile of an exponential waiting time over its mean."""


class Provenance(StrEnum):
    """What the constants of a prediction rest on."""

    MEASURED = "fitted on this GPU"
    SAME_ARCHITECTURE = "fitted on GPUs of the same architecture"
    DATASHEET = "datasheet only"


@dataclass(frozen=True, slots=True)
class Speed:
    """Means at the workload's concurrency or rate, and what the replica carries at most.

    Times in milliseconds, rates a second, all of one replica. `prefill_tokens_per_s` is how fast a single
    prompt is computed once it has its turn. `batch` is the mean number of sequences
    in a step. `requests_per_second` is the capacity within the workload's TTFT and TPOT targets, 0 when
    even a single request misses one; without targets it is the saturated rate. `in_flight` is the number
    of requests that are then running. The 99th percentiles are of single requests. `error_band` is the
    relative error that nine of ten predictions of this provenance stay within, by quantity.
    """

    ttft_ms: float
    tpot_ms: float
    ttft_p99_ms: float
    tpot_p99_ms: float
    output_tokens_per_s: float
    tokens_per_s_per_gpu: float
    prefill_tokens_per_s: float
    batch: float
    requests_per_second: float
    in_flight: int
    saturated_output_tokens_per_s: float
    provenance: Provenance
    error_band: dict[str, float]
    meets_targets: bool
    assumptions: tuple[str, ...] = ()

    def answer_ms(self, workload: Workload) -> float:
        """Mean milliseconds from a prompt to the last token of its answer."""
        return self.ttft_ms + self.tpot_ms * (traffic(workload).output - 1)

    def document(self) -> dict[str, Any]:
        """Return the `speed` entry of an estimate or a plan: rounded, so that equal plans are equal bytes."""
        fields = asdict(self)
        fields["provenance"] = str(self.provenance)
        fields["assumptions"] = list(self.assumptions)
        return rounded(**fields)


def rounded(**fields: Any) -> dict[str, Any]:
    """Return the fields with numbers of four digits."""
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in fields.items()}
