"""Memory fraction, pages, pools and request limits equal what SGLang's own code answers for the same flags."""

from planner.engines.sglang import architecture, pools
from planner.engines.sglang.profile import _requests
from planner.engines.sglang.release import newest, rules
from planner.units import GIB
from tests.engines.sglang_cases import Case, cases

BUDGET = 20 * GIB
LEAST_MODELS, LEAST_SHARE = 40, 0.97
OPEN = {"jamba"}
"""Families whose pools no server ever cuts: SGLang has no class for them and refuses that of Transformers."""


def differences(case: Case) -> dict[str, tuple[object, object]]:
    layout, answer = case.layout, case.answer
    stages = [
        pools.cut(case.model, layout, stage, case.gpu, BUDGET, rules(newest()))
        for stage in range(layout.pipeline_parallel_size)
    ]
    pool = min(stages, key=lambda found: found.tokens)
    wished = case.limits.max_num_seqs and max(1, case.limits.max_num_seqs // layout.data_parallel_size)
    if architecture.compressed(case.model):
        wished = layout.max_num_seqs
    unchunked = layout.options.get("chunked_prefill_size") == -1
    ours = {
        "mem_fraction_static": round(layout.memory_fraction, 9),
        "page_size": layout.block_size,
        "chunked_prefill_size": -1 if unchunked else layout.max_num_batched_tokens,
        "tokens": pool.tokens,
        "swa_tokens": pool.windowed_tokens or None,
        "state_slots": pool.state_slots or None,
        "context": layout.max_model_len,
        "requests": _requests(layout, pool, wished),
    }
    theirs = answer | {"mem_fraction_static": round(answer["mem_fraction_static"], 9)}
    return {name: (value, theirs[name]) for name, value in ours.items() if value != theirs[name]}


def test_resolved_arguments_and_tokens_equal_those_of_sglang() -> None:
    known = [case for case in cases() if case.model.model_type not in OPEN]
    wrong = {case.name: found for case in known if (found := differences(case))}
    assert len({case.model.name for case in known}) >= LEAST_MODELS
    assert len(wrong) <= (1 - LEAST_SHARE) * len(known), wrong
