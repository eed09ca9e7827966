"""Exports: one target a file. A plan that does not hold is never exported."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

from planner.errors import BadInput, UnknownName
from planner.export.pools import refuse_pools
from planner.export.refusal import Refused
from planner.export.shares import refuse_shares
from planner.near_names import near_names
from planner.plan_check import check
from planner.plan_document import Plan

TARGETS = {
    "vllm": "planner.export.vllm",
    "sglang": "planner.export.sglang",
    "llamacpp": "planner.export.llamacpp",
    "trtllm": "planner.export.trtllm",
    "scripts": "planner.export.shell_scripts",
    "accelerate": "planner.export.accelerate",
    "tgi": "planner.export.tgi",
    "vllm-ray": "planner.export.vllm_ray",
    "kubernetes": "planner.export.kubernetes",
    "lws": "planner.export.leaderworkerset",
    "kserve": "planner.export.kserve",
    "llm-d": "planner.export.llmd",
    "dynamo": "planner.export.dynamo",
    "ray-serve": "planner.export.ray_serve",
    "compose": "planner.export.compose",
    "skypilot": "planner.export.skypilot",
}
"""Module of each target: `files(plan)` writes it, `ENGINES` are the engines it can carry; one with `JOINS_POOLS` also
carries prefill and decode pools, one with `SHARES_GPUS` several replicas on one GPU."""


def export(plan: Plan | str | Path, target: str) -> dict[str, str]:
    """Return file name -> content for one target.

    Raises UnknownName (with the targets), BadInput when the plan does not hold, and Refused, with the
    targets that can, when this one cannot express it.
    """
    if target not in TARGETS:
        raise UnknownName("target", target, near_names(target, TARGETS) or list(TARGETS))
    where = "plan" if isinstance(plan, Plan) else str(plan)
    document = plan if isinstance(plan, Plan) else Plan.load(Path(plan))
    if document.status == "infeasible":
        raise BadInput("is infeasible and cannot be exported", where=where)
    if findings := check(document):
        raise BadInput(f"does not hold and is not exported: {findings[0]}", where=where)
    try:
        return _files(document, target)
    except Refused as refused:
        able = tuple(other for other in TARGETS if other != target and _expresses(document, other))
        raise Refused(target, refused.reason, able) from None


def _files(plan: Plan, target: str) -> dict[str, str]:
    module: ModuleType = import_module(TARGETS[target])
    for deployment in plan.deployments:
        if deployment.engine not in module.ENGINES:
            planned = f"{deployment.engine} {deployment.engine_version}"
            raise Refused(target, f"{deployment.model} was planned for {planned}, which it does not carry")
    if not getattr(module, "JOINS_POOLS", False):
        refuse_pools(plan, target)
    if not getattr(module, "SHARES_GPUS", False):
        refuse_shares(plan, target)
    files: dict[str, str] = module.files(plan)
    return files


def _expresses(plan: Plan, target: str) -> bool:
    try:
        _files(plan, target)
    except BadInput:
        return False
    return True
