"""Exports: one target a file. A plan that does not hold is never exported."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from planner.check import check
from planner.errors import BadInput, UnknownName
from planner.near_names import near_names
from planner.plan_document import Plan

TARGETS = {"vllm": "planner.export.vllm"}


def export(plan: Plan | str | Path, target: str) -> dict[str, str]:
    """Return file name -> content for one target; raises BadInput when the plan does not hold."""
    if target not in TARGETS:
        raise UnknownName("target", target, near_names(target, TARGETS) or list(TARGETS))
    document = plan if isinstance(plan, Plan) else Plan.load(Path(plan))
    if document.status == "infeasible":
        raise BadInput(
            "is infeasible and cannot be exported", where=str(plan) if not isinstance(plan, Plan) else "plan"
        )
    if findings := check(document):
        raise BadInput(f"does not hold and is not exported: {findings[0]}", where="plan")
    files: Callable[[Plan], dict[str, str]] = import_module(TARGETS[target]).files
    return files(document)
