"""What the verbs that take a plan print under `--json`: check, diff, export, report."""

from typing import Any

from pydantic import Field

from planner.documents import Document


class Check(Document):
    """Whether a plan holds, and what does not."""

    plan: str
    holds: bool
    findings: list[str]


class Total(Document):
    """A figure of both plans."""

    old: Any
    new: Any


class ModelChange(Document):
    """What changes for one model."""

    model: str
    kept: int
    stopped: int
    started: int
    moved_bytes: int
    freed_bytes: int
    lines: list[str]


class Difference(Document):
    """What a plan changes of an earlier one."""

    same: bool
    totals: dict[str, Total]
    models: list[ModelChange]
    moved_bytes: int = Field(description="weights that are loaded anew")
    freed_bytes: int
    lines: list[str]


class Export(Document):
    """The files of a target, by name."""

    target: str
    files: dict[str, str]


class Report(Document):
    """The page of a plan."""

    plan: str
    output: str | None = Field(description="the file it was written to")
    html: str
