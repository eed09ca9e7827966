"""The profiling run of a vision tower: what it runs, and what it leaves for the cache."""

from planner.engines.vllm import ENGINE
from planner.engines.vllm.encoder_run import encoder_run
from planner.engines.vllm.profile import of_version
from planner.engines.vllm.profiled_items import NO_ITEMS, ProfiledItems, profiled_items
from planner.engines.vllm.release import Version, newest, rules_of
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.units import GIB

H100 = gpus()["h100-sxm5-80gb"]
LIMITS = Limits(max_model_len=8192, max_num_batched_tokens=8192, max_num_seqs=8)
QWEN = "Qwen/Qwen2.5-VL-7B-Instruct"


def _items(version: str, model: str, **limits: object) -> ProfiledItems:
    loaded, release = load_model(model), Version.parse(version)
    layout = of_version(version).layout(loaded, H100, Limits.parse(limits))
    return profiled_items(loaded, layout, rules_of(release), release)


def test_items_as_the_log_counts_them() -> None:
    """`Encoder cache will be initialized with a budget of N tokens, and profiled with M video items`."""
    assert _items("0.12.0", QWEN, max_model_len=128000).largest == 14 // 2 * 16384
    assert _items("0.12.0", QWEN, max_model_len=8192).largest == 16384
    assert _items("0.9.1", QWEN, max_model_len=128000).largest == 16384  # the budget is longer, the item is not
    assert _items("0.19.0", "google/gemma-3-12b-it", max_num_batched_tokens=8192) == ProfiledItems(256, 0, 32)


def test_flags_make_the_items_smaller_or_leave_them_out() -> None:
    pixels = {"mm_processor_kwargs": '{"max_pixels": 1003520}'}
    assert _items("0.33.0", QWEN, max_model_len=8192, options=pixels).image == 1280
    none = {"limit_mm_per_prompt": '{"image": 0, "video": 0}'}
    assert _items("0.33.0", QWEN, options=none) == NO_ITEMS
    assert _items("0.33.0", QWEN, options={"skip_mm_profiling": True}) == NO_ITEMS


def test_v0_runs_a_whole_prompt_of_an_image_and_a_video() -> None:
    """0.8.4, RTX 3090, 8,192 tokens: 2,400 tokens of cache were left (github.com/gpustack/gpustack/issues/1800)."""
    engine, model, site = of_version("0.8.4"), load_model(QWEN), usual_site(gpus()["rtx-3090"])
    layout = engine.layout(model, site.gpu, Limits(max_model_len=8192, options={"VLLM_USE_V1": "0"}))
    bill = engine.bill(model, layout, [site])
    assert abs(bill.kv_cache_tokens - 2400) * 57344 < 0.05 * GIB
    assert not bill.fits


def test_embeddings_stay_while_the_language_model_runs() -> None:
    """Llama 4 Scout on 4 H100 logged a peak of 3.19 GiB, Kimi-VL one of 2.92 GiB (vLLM 0.19, defaults)."""
    for name, tensor, logged in (
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 4, 3.19),
        ("moonshotai/Kimi-VL-A3B-Instruct", 1, 2.92),
    ):
        engine, model = of_version("0.19.0"), load_model(name)
        layout = engine.layout(model, H100, Limits(max_model_len=8192), tensor=tensor)
        peak = engine.bill(model, layout, [usual_site(H100)]).per_device[0].activation_bytes
        assert abs(peak / GIB - logged) < 0.035 * logged


def test_cross_attention_runs_an_image_for_each_sequence() -> None:
    """0.6.6, H100, 128 sequences of 65,536 tokens: a peak of 36.63 GiB (pull request 12126 of vLLM)."""
    engine, model = of_version("0.6.6"), load_model("meta-llama/Llama-3.2-11B-Vision-Instruct")
    limits = Limits(max_model_len=65536, max_num_seqs=128, enforce_eager=True)
    bill = engine.bill(model, engine.layout(model, H100, limits), [usual_site(H100)])
    assert abs(bill.per_device[0].activation_bytes / GIB - 36.63) < 1


def test_only_the_stage_with_the_tower_runs_it() -> None:
    model = load_model(QWEN)
    layout = ENGINE.layout(model, H100, LIMITS, pipeline=2)
    items, rules = profiled_items(model, layout, rules_of(ENGINE.release), ENGINE.release), rules_of(ENGINE.release)
    assert encoder_run(model, layout, 0, rules, newest(), items).peak > 0
    assert encoder_run(model, layout, 1, rules, newest(), items).peak == 0
    text = load_model("Qwen/Qwen2.5-7B-Instruct")
    assert profiled_items(text, layout, rules, ENGINE.release) == NO_ITEMS


def test_fewer_sequences_are_promised_with_a_tower() -> None:
    model, site = load_model(QWEN), usual_site(gpus()["rtx-3090"])
    wanted = ENGINE.layout(model, site.gpu, LIMITS)
    text_only = wanted.model_copy(update={"options": {"language_model_only": True}})
    assert ENGINE.bill(model, wanted, [site]).sequences < ENGINE.bill(model, text_only, [site]).sequences


def test_kimi_masked_the_scores_of_all_images_before_0_15() -> None:
    """Issue 17952: Kimi-VL-A3B with two images a prompt runs out of memory on an A800 (0.8.5); with 0.19 it starts."""
    model, site = load_model("moonshotai/Kimi-VL-A3B-Instruct"), usual_site(gpus()["a800-sxm4-80gb"])
    limits = Limits(max_model_len=8192, options={"limit_mm_per_prompt": '{"image": 2}'})
    old, new = (
        engine.bill(model, engine.layout(model, site.gpu, limits), [site])
        for engine in map(of_version, ("0.8.5", "0.19.0"))
    )
    assert "profiling peak" in " ".join(old.reasons)
    assert new.fits
