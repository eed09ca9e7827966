"""Say how many recorded cases the profile of vLLM answers alike: usage: python -m benchmarks.vllm_matrix.judge FILE...

A case is equal when the parameter bytes of every pipeline rank, the blocks and the tokens are.
"""

import sys
from collections import Counter
from pathlib import Path

from planner.engines.vllm import ENGINE
from planner.engines.vllm.parameters import stage_parameters
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.models.model import Model
from tests.engines.vllm.recorded import Case, recorded

_MEMORY = ("KV cache", "WorkspaceManager", "Cannot copy out of meta")
"""Errors of another kind: memory, and parts of the worker that the recording leaves out."""


def verdict(case: Case) -> str:
    """Return `equal`, or what differs."""
    model = case.read()
    if model is None:
        return "unread" if case.refused is None else "refused, unread"
    gpu = gpus()["h100-sxm5-80gb"]
    reasons = ENGINE.refusals(model, case.ours(model), gpu)
    if case.refused is not None:
        return "refused by both" if reasons else f"not refused: {case.refused}"
    if reasons:
        return f"refused by us: {reasons[0]}"
    differing = [*_parameters(case, model), *_cache(case, model)]
    return "; ".join(differing) or "equal"


def _parameters(case: Case, model: Model) -> list[str]:
    layout = case.ours(model)
    off = [
        stage_parameters(model, layout, stage) - parameters
        for stage, (parameters, _) in enumerate(case.answer["ranks"])
    ]
    return [f"parameters off by {off}"] if any(off) else []


def _cache(case: Case, model: Model) -> list[str]:
    bill = ENGINE.bill(model, case.ours(model), [usual_site(gpus()["h100-sxm5-80gb"])])
    if case.same_cache(bill):
        return []
    blocks = f"blocks {bill.logged['blocks']} not {case.answer['blocks']}"
    return [f"{blocks}, tokens {bill.kv_cache_tokens} not {case.tokens}"]


def main() -> None:
    """Judge every file, and all together."""
    verdicts: list[str] = []
    for path in map(Path, sys.argv[1:]):
        for case in recorded(path):
            verdicts.append(verdict(case))
            if verdicts[-1] not in ("equal", "refused by both"):
                print(f"{case}\n    {verdicts[-1]}")
    kinds = Counter(
        said.split(":")[0].split(" off")[0].split(" ")[0] if said != "refused by both" else said for said in verdicts
    )
    answered = sum(kinds.values()) - sum(
        said.startswith(("refused by both", "refused, unread", "not refused")) for said in verdicts
    )
    print(dict(kinds), f"{kinds['equal']} of {answered} answered cases equal: {kinds['equal'] / max(1, answered):.1%}")


if __name__ == "__main__":
    main()
