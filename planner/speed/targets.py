"""The latencies that a load must be answered within, in seconds."""

from math import inf
from typing import NamedTuple

from planner.speed.traffic import Traffic
from planner.workload import Workload


class Targets(NamedTuple):
    """Means that must be kept; infinite where nothing is asked."""

    ttft: float = inf
    tpot: float = inf
    answer: float = inf

    def met_by(self, times: "Targets") -> bool:
        """Whether none of the times is longer."""
        return all(time <= target for time, target in zip(times, self, strict=True))


NO_TARGETS = Targets()


def targets(workload: Workload) -> Targets:
    """Return what a workload asks for."""
    asked = (workload.ttft_ms, workload.tpot_ms, workload.answer_ms)
    return Targets(*(target / 1000 if target else inf for target in asked))


def times(ttft: float, tpot: float, traffic: Traffic) -> Targets:
    """Return the times of a state: an answer is its first token, and a step for each of the others."""
    return Targets(ttft, tpot, ttft + tpot * (traffic.output - 1))
