"""TensorRT-LLM's lines against what its logs and its own documents say."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.engines.trtllm import beside, pools
from planner.engines.trtllm.release import release
from planner.engines.trtllm.weights import rank_bytes
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Layout, Limits, OptionValue
from planner.memory.bill import Bill
from planner.models.quantization.stored_as import stored_as
from planner.models.source import load_model
from planner.units import GIB

H100, H200 = gpus()["h100-sxm5-80gb"], gpus()["h200-sxm5-141gb"]


def built(model: str, version: str, limits: Limits, **sizes: int) -> Layout:
    engine = find_engine("TensorRT-LLM", version)
    return engine.layout(load_model(model), H100, limits, **sizes)  # type: ignore[arg-type]


def bill(model: str, limits: Limits, version: str | None = None, confidence: float = 0.5) -> Bill:
    engine, loaded = find_engine("trtllm", version), load_model(model)
    return engine.bill(loaded, engine.layout(loaded, H100, limits), [usual_site(H100)], confidence)


def test_an_engine_holds_the_weights_that_the_builder_counts() -> None:
    """`Total Weights Memory: 16060522752` of Llama 3 8B in bfloat16 (0.8.0)."""
    layout = built("meta-llama/Meta-Llama-3-8B", "0.8.0", Limits(max_num_batched_tokens=12288))
    weights = rank_bytes(load_model("meta-llama/Meta-Llama-3-8B"), layout, 0, "tensorrt")
    assert weights == pytest.approx(16_060_522_752, abs=512)


def test_activation_of_an_engine_follows_the_tokens_of_a_step() -> None:
    """`Total Activation Memory: 1811942912` at 12,288 tokens of the same engine."""
    found = bill("meta-llama/Meta-Llama-3-8B", Limits(max_num_batched_tokens=12288), "0.8.0")
    assert found.logged["execution_context_bytes"] == pytest.approx(1_811_942_912, rel=1e-5)


def test_gathered_context_logits_are_there_at_once_and_again_for_each_prompt() -> None:
    """37,812.51 MiB of execution context at 128,000 tokens, and no memory left for the logits of a prompt (0.18.0)."""
    limits = Limits(
        max_model_len=131072, max_num_seqs=64, max_num_batched_tokens=128_000, options={"gather_context_logits": True}
    )
    found = bill("meta-llama/Llama-3.1-8B-Instruct", limits, "0.18.0")
    assert found.logged["execution_context_bytes"] == pytest.approx(37812.51 * 2**20, rel=1e-6)
    assert not found.fits and "context logits" in found.reasons[0]


def test_unfused_attention_keeps_its_scores() -> None:
    """59,395 - 25,267 MiB after activations of Llama 2 13B: 24 prompts of 2,200 tokens, padded."""
    limits = Limits(max_model_len=2300, max_num_seqs=24, options={"max_input_len": 2200, "remove_input_padding": False})
    found = bill("meta-llama/Llama-2-13b-hf", limits, "0.6.1")
    assert found.logged["execution_context_bytes"] == pytest.approx((59395 - 25267) * 2**20, rel=0.02)


def test_without_pages_all_that_run_have_their_cache_at_once() -> None:
    """Llama 7B on an A40: 19 GiB of activations, and eight sequences run where four would fit (issue 67)."""
    options: dict[str, OptionValue] = {"max_input_len": 2048, "remove_input_padding": False, "context_fmha": True}
    engine, model, site = find_engine("trtllm", "0.5.0"), load_model("huggyllama/llama-7b"), usual_site(gpus()["a40"])
    for running, fits in ((4, True), (8, False)):
        limits = Limits(max_model_len=4096, max_num_seqs=128, options={**options, "contiguous_sequences": running})
        found = engine.bill(model, engine.layout(model, site.gpu, limits), [site])
        assert found.logged["execution_context_bytes"] / GIB == pytest.approx(44.16 - 12 - 0.65 - 12.55, rel=0.02)
        assert found.fits == fits
        assert fits or "8 sequences of 4,096 tokens, and there is room for 4" in found.reasons[0]


def test_unfused_attention_of_chatglm2_takes_more_than_its_weights() -> None:
    """ "self.engine.device_memory_size needs 13 G": the defaults of its example, 4 prompts of 4,096 (issue 149)."""
    limits = Limits(max_model_len=6144, max_num_seqs=4, options={"max_input_len": 4096, "remove_input_padding": False})
    model = load_model("benchmarks/fresh_logs/models/THUDM--chatglm2-6b.json")
    engine = find_engine("trtllm", "0.5.0")
    found = engine.bill(model, engine.layout(model, H100, limits), [usual_site(H100)], 0.5)
    assert found.logged["execution_context_bytes"] / GIB == pytest.approx(13, rel=0.04)


def test_fused_attention_keeps_none() -> None:
    """44.35 - 0.14 GiB less 12 of cache, 12.55 of weights, 0.65 of context: Llama 7B for 128 sequences (issue 67)."""
    options: dict[str, OptionValue] = {"max_input_len": 2048, "remove_input_padding": False, "context_fmha": True}
    limits = Limits(max_model_len=4096, max_num_seqs=128, options={**options, "backend": "tensorrt"})
    found = bill("meta-llama/Llama-2-7b-hf", limits, "0.5.0")
    assert found.logged["execution_context_bytes"] / GIB == pytest.approx(44.35 - 0.14 - 12 - 12.55 - 0.65, rel=0.02)


@pytest.mark.parametrize(
    ("version", "tokens", "batch"), [("0.8.0", 128, 1), ("0.13.0.dev2024082000", 64, 256), ("0.19.0", 32, 2048)]
)
def test_defaults_follow_the_release(version: str, tokens: int, batch: int) -> None:
    layout = built("meta-llama/Meta-Llama-3-8B", version, Limits())
    assert (layout.block_size, layout.max_num_seqs, layout.max_num_batched_tokens) == (tokens, batch, 8192)
    assert layout.memory_fraction == 0.9


def test_a_log_of_the_documents_term_by_term() -> None:
    """docs/source/reference/memory.md of 0.12: Llama 2 7B in FP8, 256 sequences of 2,048 tokens, on an H100."""
    engine, model = find_engine("trtllm", "0.12.0"), stored_as(load_model("meta-llama/Llama-2-7b-hf"), "fp8")
    layout = engine.layout(model, H100, Limits(max_model_len=2048, max_num_seqs=256))
    found = engine.bill(model, layout, [usual_site(replace(H100, memory_gib=79.10))], 0.5)
    assert found.logged["runtime_buffers_bytes"] == pytest.approx(43.29 * 2**20, rel=0.002)
    assert beside.buffer_bytes(model, layout, release("0.12.0")) == pytest.approx((43.29 + 180.30) * 2**20, rel=0.001)
    assert found.per_device[0].weights_bytes == pytest.approx(6695 * 2**20, rel=0.02)
    assert found.logged["available_kv_bytes"] / GIB == pytest.approx(70.48, rel=0.01)


def test_the_cache_takes_its_share_of_what_is_left_and_whole_blocks() -> None:
    found = bill("qwen3-0.6b", Limits(max_model_len=4096))
    device = found.per_device[0]
    left = device.device_bytes - device.total_bytes + device.kv_cache_bytes
    assert found.logged["available_kv_bytes"] == left
    assert 0 <= 0.9 * left - device.kv_cache_bytes < 32 * 114688
    assert found.kv_cache_tokens == found.logged["blocks"] * 32 == device.kv_cache_bytes // 114688
    assert device.kv_cache_bytes / GIB == pytest.approx(68.69, rel=0.01), "as logged on an H100"


def test_graphs_that_the_temporary_cache_has_no_blocks_for_are_captured_beside_the_cache() -> None:
    """3.44 GiB in private pools as 4,096 sequences were captured, and no room for 2,048 more in 0.95 (H100, 0.20.0)."""
    model = stored_as(load_model("meta-llama/Llama-3.1-8B-Instruct"), "fp8")
    engine, site = find_engine("trtllm", "0.20.0"), usual_site(replace(H100, memory_gib=79.18))

    def started(batch: int, fraction: float) -> Bill:
        limits = Limits(
            max_model_len=257, max_num_seqs=batch, max_num_batched_tokens=8192, memory_fraction=fraction,
            kv_cache_dtype="fp8", options={"backend": "pytorch", "cuda_graph_max_batch_size": batch},
        )  # fmt: skip
        return engine.bill(model, engine.layout(model, site.gpu, limits), [site])

    layout = engine.layout(model, H100, Limits(max_num_seqs=4096, options={"backend": "pytorch"}))
    assert beside.graph_pool(model, layout, 4096, is_last=True) / GIB == pytest.approx(3.44, rel=0.03)
    assert "graphs of the largest batch" in started(4096, 0.95).reasons[0]
    assert started(2048, 0.95).fits
    assert started(4096, 0.8).fits
    for batch, fraction, pool in ((4096, 0.95, 64.49), (2048, 0.95, 64.57), (2048, 0.9, 61.18)):
        assert started(batch, fraction).per_device[0].kv_cache_bytes / GIB == pytest.approx(pool, rel=0.004)


def test_the_temporary_cache_must_fit_too() -> None:
    """gpt-oss-120b on one H100: 720 sequences of 131,072 tokens run out of memory, 512 of 12,416 start (PR 17470)."""
    assert not bill("openai/gpt-oss-120b", Limits(max_model_len=131072, max_num_seqs=720), confidence=0.99).fits
    assert bill("openai/gpt-oss-120b", Limits(max_model_len=12416, max_num_seqs=512), confidence=0.99).fits


def test_estimation_needs_the_longest_of_prompts_graphs_and_sequences() -> None:
    layout = built("qwen3-0.6b", "1.2.1", Limits(max_model_len=4096, max_num_seqs=64))
    assert pools.estimation_blocks(layout, 64, "graphs") == 2 * 128 + 1  # two of 4,095 tokens, and two more
    longer = layout.model_copy(update={"max_model_len": 40960})
    assert pools.estimation_blocks(longer, 64, "graphs") == 1281 + 63
    assert pools.estimation_blocks(longer, 64, "prompts") == 257


@pytest.mark.parametrize(
    ("version", "estimation", "on_first"),
    [("0.21.0rc1", "prompts", False), ("1.0.0rc2", "prompts", False), ("1.0.0rc4", "prompts", True),
     ("1.0.0rc6", "prompts", False), ("1.0.0", "prompts", False), ("1.1.0rc3", "prompts", False),
     ("1.1.0", "graphs", False), ("1.2.0rc7", "graphs", False), ("1.3.0rc15", "graphs", False)],
)  # fmt: skip
def test_candidates_come_before_their_release(version: str, estimation: str, on_first: bool) -> None:
    """DeepSeek-V3 takes 47.83 - 45.67 GiB for 32,768 tokens of a temporary cache in 1.0.0rc2 (issue 5950)."""
    found = release(version)
    assert (found.estimation, found.loads_on_first) == (estimation, on_first)


def test_all_ranks_loaded_on_the_first_gpu() -> None:
    """Qwen3-32B-FP8 on two RTX 4090 ran out of memory while it loaded in 1.0.0rc3, not in 0.21.0rc1 (issue 6281)."""
    loaded, kind = load_model("Qwen/Qwen3-32B-FP8"), gpus()["rtx-4090"]

    def fits(version: str) -> bool:
        engine = find_engine("trtllm", version)
        limits = Limits(max_model_len=4096, options={"backend": "pytorch"})
        return engine.bill(loaded, engine.layout(loaded, kind, limits, tensor=2), [usual_site(kind)]).fits

    assert fits("0.21.0rc1")
    assert not fits("1.0.0rc3")
    assert fits("1.0.0rc6")


def test_attention_data_parallelism_keeps_all_but_the_routed_experts_whole() -> None:
    model = load_model("qwen3-30b-a3b")
    spread = built("qwen3-30b-a3b", "1.2.1", Limits(), tensor=1, data=8, expert_parallel=True)
    routed = model.expert_params * model.dtype.size(1)
    assert rank_bytes(model, spread, 0, "pytorch") == model.weight_bytes - routed * 7 // 8


def test_the_first_stages_take_the_remainder() -> None:
    assert built("meta-llama/Meta-Llama-3-8B", "1.2.1", Limits(), pipeline=5).layers_per_stage == (7, 7, 6, 6, 6)


def test_a_checkpoint_made_for_an_fp8_cache_gets_one() -> None:
    plain = load_model("qwen3-0.6b")
    asking = replace(plain, config={**plain.config, "quantization_config": {"kv_cache_quant_algo": "FP8"}})
    engine = find_engine("trtllm")
    assert engine.layout(plain, H100, Limits()).kv_cache_dtype == "auto"
    assert engine.layout(asking, H100, Limits(kv_cache_dtype="auto")).kv_cache_dtype == "fp8"


def test_windowed_layers_take_their_window_where_the_cache_is_told_so() -> None:
    """gpt-oss looks back 128 tokens in every other layer; a log of 1.1 without the list says 73,728 bytes a token."""
    limits, model = Limits(max_model_len=32768, max_num_seqs=64), "openai/gpt-oss-120b"
    told = limits.model_copy(update={"options": {"max_attention_window": "[128, 32768]"}})
    plain, windowed, before = bill(model, limits), bill(model, told), bill(model, told, "0.21.0")
    assert plain.per_device[0].kv_cache_bytes / plain.kv_cache_tokens == 73_728
    assert before.per_device[0].kv_cache_bytes / before.kv_cache_tokens == 73_728
    assert windowed.kv_cache_tokens / plain.kv_cache_tokens == pytest.approx(2, rel=0.05)


def test_the_decoder_of_an_engine_keeps_tables_of_the_longest_sequence() -> None:
    """Qwen2.5-0.5B in 0.14, 2,048 sequences of 32,768 tokens: 5.76 GB for the decoder and 2.66 at run time."""
    model, rules = load_model("Qwen/Qwen2.5-0.5B"), release("0.14.0")
    limits = Limits(max_model_len=32768, max_num_seqs=2048, options={"backend": "tensorrt"})
    layout = find_engine("trtllm", "0.14.0").layout(model, H100, limits)
    both = beside.buffer_bytes(model, layout, rules)
    own = beside.runtime_bytes(model, layout, rules)
    assert (own / GIB, (both - own) / GIB) == (pytest.approx(2.66, abs=0.005), pytest.approx(5.76, abs=0.005))


def test_every_beam_has_rows_of_its_own() -> None:
    """A GPT-J run of 1,024 sequences with 4 beams of 4,160 tokens logs 1.14 GB of runtime buffers."""
    limits = Limits(max_model_len=4160, max_num_seqs=1024, options={"max_beam_width": 4})
    found = bill("EleutherAI/gpt-j-6b", limits, "0.12.0")
    assert found.logged["runtime_buffers_bytes"] / GIB == pytest.approx(1.14, rel=0.02)


def test_every_prompt_of_a_batch_at_once_before_0_11() -> None:
    """Llama 2 7B built for 192 prompts of 2,048 tokens has no room on 40 GB (issue 401); 8,192 tokens since."""
    limits = Limits(max_model_len=4096, max_num_seqs=192, options={"max_input_len": 2048})
    tokens = {
        version: find_engine("trtllm", version).layout(load_model("meta-llama/Llama-2-7b-hf"), H100, limits)
        for version in ("0.5.0", "0.10.0", "0.11.0")
    }
    assert [layout.max_num_batched_tokens for layout in tokens.values()] == [192 * 2048, 192 * 2048, 8192]


@pytest.mark.parametrize(("version", "tensor", "starts"), [("1.0.0", 8, False), ("1.0.0", 4, True), ("1.2.1", 8, True)])
def test_a_cache_sized_for_parts_of_heads_does_not_start(version: str, tensor: int, starts: bool) -> None:
    """Issue 5872: four KV heads over eight ranks, and a `kv_cache_config` with `enable_block_reuse` alone."""
    engine, loaded = find_engine("trtllm", version), load_model("Qwen/Qwen3-235B-A22B-FP8")
    for options in ({}, {"kv_cache_config_without_fraction": True}):
        layout = engine.layout(loaded, H200, Limits(options=options), tensor=tensor, expert_parallel=True)
        reasons = engine.bill(loaded, layout, [usual_site(H200)], 0.5).reasons
        assert any("parts of KV heads" in reason for reason in reasons) == bool(options and not starts)
