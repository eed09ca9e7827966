"""The SGLang target: its spelling of our sizes, every automatic rule switched off, and the way back."""

from pathlib import Path

import pytest

from planner.export import Refused, export
from planner.layout import Limits
from planner.plan_document import Plan
from tests.export.plans import laid_out
from tests.export.round_trip import assert_same_bills

DENSE, EXPERTS = "qwen3-32b", "qwen3-30b-a3b"
LIMITS = Limits(max_model_len=4096, max_num_seqs=64)


def test_every_limit_is_given() -> None:
    script = export(laid_out(DENSE, "4xH100-SXM", engine="sglang", tensor=2, pipeline=2, limits=LIMITS), "sglang")[
        "serve-0.sh"
    ]
    for words in (
        "python3 -m sglang.launch_server --model-path Qwen/Qwen3-32B",
        "SGLANG_PP_LAYER_PARTITION=32,32",
        "--tp-size 2 --pp-size 2",
        "--context-length 4096",
        "--max-running-requests 64",
        "--chunked-prefill-size ",
        "--mem-fraction-static ",
        "--page-size ",
        "--cuda-graph-max-bs-decode ",
    ):
        assert words in script


def test_attention_groups_widen_the_tensor_size_and_share_the_limits() -> None:
    plan = laid_out(EXPERTS, "8xH100-SXM", engine="sglang", tensor=2, data=4, expert_parallel=True, limits=LIMITS)
    script = export(plan, "sglang")["serve-0.sh"]
    assert "--tp-size 8 --pp-size 1 --attn-dp-size 4 --ep-size 8" in script
    assert "--max-running-requests 64" in script
    assert plan.deployments[0].replicas[0].layout.max_num_seqs == 16


def test_two_nodes_meet_at_the_first() -> None:
    files = export(laid_out(DENSE, "2x4xL40S", engine="sglang", tensor=4, pipeline=2, limits=LIMITS), "sglang")
    assert "--nnodes 2 --node-rank 1 --dist-init-addr node0:20000" in files["serve-0-rank1.sh"]


PLANS = {
    "replicas": laid_out(DENSE, "8xH100-SXM", engine="sglang", tensor=2, replicas=4, limits=LIMITS),
    "two nodes": laid_out(DENSE, "2x4xL40S", engine="sglang", tensor=4, pipeline=2, limits=LIMITS),
    "uneven": laid_out(DENSE, "6xL40S", engine="sglang", tensor=2, pipeline=3, stages=(20, 21, 23), limits=LIMITS),
    "experts": laid_out(EXPERTS, "8xH100-SXM", engine="sglang", tensor=2, data=4, expert_parallel=True, limits=LIMITS),
    "eager": laid_out(DENSE, "2xH200", engine="sglang", limits=Limits(max_model_len=4096, enforce_eager=True)),
}


@pytest.mark.parametrize("shape", PLANS)
@pytest.mark.parametrize("target", ["sglang", "kubernetes", "lws", "dynamo", "compose", "skypilot"])
def test_reading_it_back_gives_the_same_bill(target: str, shape: str, tmp_path: Path) -> None:
    plan: Plan = PLANS[shape]
    if target == "kubernetes" and shape == "two nodes":
        with pytest.raises(Refused, match="spans 2 nodes"):
            export(plan, target)
    else:
        assert_same_bills(plan, target, tmp_path)


@pytest.mark.parametrize("target", ["sglang", "kubernetes", "accelerate"])
def test_what_amd_takes_off_a_fraction_is_given_on_top(target: str, tmp_path: Path) -> None:
    """attention_hook.py, `aiter` with a context above 8,192: `mem_fraction_static=cfg.mem_fraction_static * 0.85`."""
    limits = Limits(max_model_len=32768, memory_fraction=0.91234567)
    plan = laid_out("qwen3-8b", "1xmi355x", engine="sglang", limits=limits)
    assert plan.deployments[0].replicas[0].layout.memory_fraction == 0.91234567 * 0.85
    assert_same_bills(plan, target, tmp_path)
    assert any("0.91234567" in content for content in export(plan, target).values())


def test_a_plan_for_another_engine_is_refused_by_name() -> None:
    with pytest.raises(Refused, match=r"planned for sglang 0\.5\.23.*--to sglang, scripts, kubernetes"):
        export(PLANS["replicas"], "vllm")


@pytest.mark.parametrize("engine", ["sglang", "trtllm"])
def test_experts_of_one_gpu_are_whole_anyway(engine: str, tmp_path: Path) -> None:
    """`--ep-size 1` says nothing: the layout does not either, and is read back as it is."""
    plan = laid_out(EXPERTS, "2xH100-SXM", engine=engine, pipeline=2, expert_parallel=True, limits=LIMITS)
    assert not plan.deployments[0].replicas[0].layout.expert_parallel
    assert_same_bills(plan, engine, tmp_path)
