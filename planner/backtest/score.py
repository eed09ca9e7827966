"""How far predictions lie from measurements: errors by metric, and verdicts right and wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from planner.backtest.fields import Value

Pair = tuple[float, float]
"""A predicted and a measured number."""


def pairs(predicted: Mapping[str, Value], measured: Mapping[str, Value]) -> dict[str, list[Pair]]:
    """Return what can be compared, by metric: a map by device gives a pair for each device in both.

    A measured value of zero or below has no relative error and is left out.
    """
    found: dict[str, list[Pair]] = {}
    for metric, value in predicted.items():
        logged = measured.get(metric)
        if isinstance(value, Mapping) and isinstance(logged, Mapping):
            found[metric] = [(value[name], logged[name]) for name in value if logged.get(name, 0) > 0]
        elif isinstance(value, int | float) and isinstance(logged, int | float) and logged > 0:
            found[metric] = [(float(value), float(logged))]
    return {metric: some for metric, some in found.items() if some}


@dataclass(frozen=True)
class Accuracy:
    """Errors of one metric, as fractions of the measured value; `bias` is the mean signed error."""

    n: int
    median_ape: float
    p90_ape: float
    bias: float

    def document(self) -> dict[str, float]:
        """Return the entry of the summary."""
        return {"n": self.n, "median_ape": self.median_ape, "p90_ape": self.p90_ape, "bias": self.bias}


def accuracy(compared: Iterable[Pair]) -> Accuracy | None:
    """Return the errors of some pairs, None when there are none."""
    signed = [predicted / measured - 1 for predicted, measured in compared]
    if not signed:
        return None
    errors = sorted(map(abs, signed))
    return Accuracy(len(errors), median(errors), quantile(errors, 0.9), fmean(signed))


def quantile(ordered: list[float], share: float) -> float:
    """Return the quantile of sorted numbers, interpolated between neighbours (type 7, as numpy's default)."""
    position = share * (len(ordered) - 1)
    low = int(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


def summary(compared: Iterable[Mapping[str, list[Pair]]]) -> dict[str, dict[str, float]]:
    """Return the accuracy of each metric over many rows, in order of appearance."""
    by_metric: dict[str, list[Pair]] = {}
    for row in compared:
        for metric, some in row.items():
            by_metric.setdefault(metric, []).extend(some)
    scored = {metric: accuracy(some) for metric, some in by_metric.items()}
    return {metric: found.document() for metric, found in scored.items() if found}


def confusion(verdicts: Iterable[tuple[bool, bool]]) -> dict[str, int]:
    """Count (predicted, measured) verdicts; a `false_fit` is a run that we said fits and that did not."""
    counts = {"true_fit": 0, "false_fit": 0, "true_unfit": 0, "false_unfit": 0}
    for predicted, measured in verdicts:
        counts[f"{'true' if predicted == measured else 'false'}_{'fit' if predicted else 'unfit'}"] += 1
    return counts
