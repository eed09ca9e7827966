"""What `gpuplan backtest --json` and `gpuplan calibrate --json` print."""

from typing import Any, Literal

from pydantic import Field

from planner.documents import Document


class Accuracy(Document):
    """How far one metric is off; shares, 0.01 is 1 %."""

    n: int
    median_ape: float
    p90_ape: float
    bias: float = Field(description="mean signed error")


class Fit(Document):
    """Said to fit or not, against what happened."""

    true_fit: int
    false_fit: int
    true_unfit: int
    false_unfit: int


class Row(Document):
    """One run, replayed; a skipped one has no more than its reason."""

    id: str
    engine: str | None
    status: Literal["predicted", "skipped"]
    reason: str | None
    predicted: dict[str, Any]
    measured: dict[str, Any]
    fits: dict[str, bool | None] = Field(default={})
    why_not: list[str] = Field(default=[])
    margin: dict[str, int] = Field(default={})
    subject: dict[str, str] = Field(default={})
    unscored: dict[str, str] = Field(default={})
    assumptions: list[str] = Field(default=[])


class Scores(Document):
    """The accuracy over some runs."""

    rows_used: int
    rows_skipped: int
    summary: dict[str, Accuracy]
    fit: Fit


class EngineScores(Scores):
    """The same of one engine, and by what its runs were on."""

    by_gpu: dict[str, dict[str, Accuracy]]
    by_precision: dict[str, dict[str, Accuracy]]


class Backtest(Scores):
    """Every run with its prediction, and the accuracy by metric and engine."""

    rows: list[Row]
    engines: dict[str, EngineScores]


class Calibration(Document):
    """A local profile, and how far off the runs were before it."""

    rows_used: list[str]
    rows_skipped: dict[str, str | None]
    before: dict[str, Accuracy]
    profile: dict[str, Any]
