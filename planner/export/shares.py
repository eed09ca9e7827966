"""GPUs that several replicas share: which targets can put them there."""

from planner.export.refusal import Refused
from planner.plan_document import Plan


def refuse_shares(plan: Plan, target: str) -> None:
    """Raise Refused for a plan that shares GPUs, where a target gives whole ones or starts all engines at once."""
    for deployment in plan.deployments:
        if any(stage.share_percent for replica in deployment.replicas for stage in replica.stages):
            raise Refused(target, f"{deployment.model} has a share of a GPU, and it hands out whole ones")
