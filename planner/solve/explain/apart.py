"""The fix that lets a model prefill and decode in pools of its own."""

from collections.abc import Iterator

from planner.engines.phase_options import PHASE_OPTIONS
from planner.solve.explain.fix import Fix
from planner.solve.explain.requirement import with_model
from planner.solve.phases import may_separate
from planner.solve.problem import Problem


def apart(problem: Problem, place: int) -> Iterator[Fix]:
    """Yield the fix for one model where pools are not allowed yet and alone make a plan possible."""
    wanted = problem.request.models[place]
    allow = wanted.allow.model_copy(update={"disaggregation": True})
    request = with_model(problem.request, place, allow=allow)
    known = wanted.allow.disaggregation or wanted.engine not in PHASE_OPTIONS
    if not known and may_separate(request.models[place]) and problem.asking(request).feasible:
        words = f"{wanted.model}: prefill and decode in pools of their own"
        yield Fix(words, {f"models.{place}.allow.disaggregation": True}, request)
