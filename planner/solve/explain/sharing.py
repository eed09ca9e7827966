"""The fix that lets models share GPUs."""

from collections.abc import Iterator

from planner.engines import find_engine
from planner.engines.sharing import may_share
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import with_model
from planner.solve.problem import Problem


def sharing(problem: Problem) -> Iterator[Fix]:
    """Yield one fix for all models together, where sharing is not allowed yet and alone makes a plan possible."""
    request, changed = problem.request, {}
    for place, wanted in enumerate(request.models):
        if may_share(find_engine(wanted.engine)) and not wanted.allow.share_gpus:
            allow = wanted.allow.model_copy(update={"share_gpus": True})
            request = with_model(request, place, allow=allow)
            changed[f"models.{place}.allow.share_gpus"] = True
    if changed and len(request.models) > 1 and problem.asking(request).feasible:
        yield Fix("models that share GPUs, each in a part of one", changed, request)
