"""Exports: one target a file. A plan that does not hold is never exported."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from planner.errors import BadInput, UnknownName
from planner.export.refusal import Refused
from planner.near_names import near_names
from planner.plan_check import check
from planner.plan_document import Plan

TARGETS = {"vllm": "planner.export.vllm"}
"""Module of each target: `files(plan)` writes it, `ENGINES` are the engines it can carry."""


def export(plan: Plan | str | Path, target: str) -> dict[str, str]:
    """Return file name -> content for one target.

    Raises UnknownName (with the targets), BadInput when the plan does not hold, and Refused when the
    target cannot express it.
    """
    if target not in TARGETS:
        raise UnknownName("target", target, near_names(target, TARGETS) or list(TARGETS))
    where = "plan" if isinstance(plan, Plan) else str(plan)
    document = plan if isinstance(plan, Plan) else Plan.load(Path(plan))
    if document.status == "infeasible":
        raise BadInput("is infeasible and cannot be exported", where=where)
    if findings := check(document):
        raise BadInput(f"does not hold and is not exported: {findings[0]}", where=where)
    module = _module(target)
    for deployment in document.deployments:
        if deployment.engine not in module.ENGINES:
            able = tuple(name for name in TARGETS if deployment.engine in _module(name).ENGINES)
            reason = f"{deployment.model} was planned for {deployment.engine} {deployment.engine_version}"
            raise Refused(target, reason, able)
    files: dict[str, str] = module.files(document)
    return files


def _module(target: str) -> ModuleType:
    return import_module(TARGETS[target])
