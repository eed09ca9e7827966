"""The cache that graphs are estimated with, and when free memory is looked at first."""

import pytest

from planner.engines.vllm.card_memory import context_bytes, non_torch_bytes
from planner.engines.vllm.profile import of_version
from planner.engines.vllm.profiled_cache import profiled_cache_bytes
from planner.engines.vllm.release import Version, rules_of
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model

HYBRID = "Qwen/Qwen3.6-27B"


@pytest.mark.parametrize(
    ("version", "blocks"),
    [("0.17.0", 0), ("0.24.0", 512), ("0.28.0", 256)],
)
def test_blocks_of_the_small_cache(version: str, blocks: int) -> None:
    """As many as the largest captured size, later as many as sequences may run where those are fewer."""
    model, gpu, engine = load_model(HYBRID), find_gpu("rtx-5090")[0], of_version(version)
    layout = engine.layout(model, gpu, Limits(max_num_seqs=256))
    assert profiled_cache_bytes(model, layout, 1, rules_of(engine.release)) == blocks


def test_the_second_runner_of_0_28_makes_none() -> None:
    """Its profile_cudagraph_memory returns 0."""
    model, gpu, engine = load_model("Qwen/Qwen3-8B"), find_gpu("rtx-5090")[0], of_version("0.28.0")
    layout = engine.layout(model, gpu, Limits())
    assert profiled_cache_bytes(model, layout, 1, rules_of(engine.release)) == 0


def test_states_of_every_sequence_do_not_fit_beside_the_weights() -> None:
    """Pull request 810 of the recipes: the fraction makes no difference."""
    model, gpu, engine = load_model("nvidia/Qwen3.6-27B-NVFP4"), find_gpu("rtx-5090")[0], of_version("0.26.1")
    limits = Limits(max_model_len=32768, max_num_seqs=256, memory_fraction=0.93, kv_cache_dtype="fp8")
    bill = engine.bill(model, engine.layout(model, gpu, limits), [usual_site(gpu)])
    assert any(reason.startswith("graph estimate: 12.25 GiB of cache") for reason in bill.reasons)


def test_communicators_count_after_the_snapshot_before_0_11() -> None:
    """What a rank holds before and after it together stays the same on a switch."""
    model, gpu = load_model("Qwen/Qwen3-8B"), find_gpu("h100-sxm5-80gb")[0]
    site, layout = usual_site(gpu), of_version("0.10.2").layout(model, gpu, Limits(), tensor=2)
    before, after = rules_of(Version(0, 10, 2)), rules_of(Version(0, 11, 0))
    held = [context_bytes(model, layout, site, rules) for rules in (before, after)]
    grown = [non_torch_bytes(model, layout, site, rules, 0) for rules in (before, after)]
    assert held[0] < held[1]
    assert held[0] + grown[0] == pytest.approx(held[1] + grown[1], abs=2)


@pytest.mark.parametrize(
    ("version", "gpu", "wished", "token"),
    [
        ("0.33.0", "h200-sxm5-141gb", "fp8", 656),
        ("0.33.0", "b200-sxm-180gb", "fp8", 576),
        ("0.17.0", "b200-sxm-180gb", "fp8", 656),
        ("0.33.0", "rtx-pro-6000-bw-server", "auto", 656),
    ],
)
def test_latents_of_sparse_attention(version: str, gpu: str, wished: str, token: int) -> None:
    """FlashInfer's sparse attention takes eight bits as they are; that of capability 12 packs them always."""
    model, site, engine = load_model("deepseek-ai/DeepSeek-V3.2"), usual_site(find_gpu(gpu)[0]), of_version(version)
    layout = engine.layout(model, site.gpu, Limits(max_model_len=32768, kv_cache_dtype=wished), tensor=8)
    bill = engine.bill(model, layout, [site])
    assert bill.logged["block_bytes"] == 61 * layout.block_size * (token + 128 + 4)


@pytest.mark.parametrize(
    ("model", "fraction", "blocks"),
    [("Qwen/Qwen3.6-27B-FP8", 0.92, 939), ("Qwen/Qwen3.6-27B", 0.95, 556)],
)
def test_rejection_is_profiled_where_tokens_are_drafted(model: str, fraction: float, blocks: int) -> None:
    """Blocks of Qwen3.8-27B on an RTX PRO 6000 (recipes, pull request 831), drafting three tokens."""
    served, site, engine = load_model(model), usual_site(find_gpu("rtx-pro-6000-bw-server")[0]), of_version("0.28.0")
    drafting = {"speculative_config": '{"method": "mtp", "num_speculative_tokens": 3}'}
    layout = engine.layout(served, site.gpu, Limits(memory_fraction=fraction, options=drafting))
    assert engine.bill(served, layout, [site]).logged["blocks"] == pytest.approx(blocks, rel=0.02)
