"""What a release changed is in the bill of a run of that release; each figure is known from outside."""

from dataclasses import replace
from math import hypot
from typing import Any

import pytest

from planner.engines.vllm.profile import of_version
from planner.engines.vllm.stage_memory import pipeline_lines
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.memory.bill import Bill
from planner.models.quantization.stored_as import stored_as
from planner.models.source import load_model


def _bill(version: str, model: str, gpu: str, limits: Limits, **layout: Any) -> Bill:
    engine, kind = of_version(version), gpus()[gpu]
    loaded = load_model(model)
    return engine.bill(loaded, engine.layout(loaded, kind, limits, **layout), [usual_site(kind)])


def test_latent_attention_was_cached_unfolded_before_0_7() -> None:
    """Issue of 0.5.4: DeepSeek-Coder-V2 on 8 H100 at 64,000 tokens has `not enough memory for cache blocks`."""
    limits = Limits(max_model_len=64000, memory_fraction=0.95, enforce_eager=True)
    old = _bill("0.5.4", "deepseek-ai/DeepSeek-Coder-V2-Instruct", "h100-sxm5-80gb", limits, tensor=8)
    new = _bill("0.9.1", "deepseek-ai/DeepSeek-Coder-V2-Instruct", "h100-sxm5-80gb", limits, tensor=8)
    assert old.logged["block_bytes"] == 16 * 60 * (128 // 8) * 2 * 256 * 2  # block, layers, heads, K and V, width, bf16
    assert new.logged["block_bytes"] == 16 * 60 * 576 * 2
    assert not old.fits
    assert new.fits


def test_latent_attention_wanted_eight_bits_before_0_7_3() -> None:
    """config.py, use_mla of 0.7.2: "MLA is not supported with %s quantization. Disabling MLA." """
    name, limits = "deepseek-ai/DeepSeek-R1", Limits(max_model_len=4096, enforce_eager=True)
    eight, four = load_model(name), stored_as(load_model(name), "awq")
    heads, latent = 16 * 61 * (128 // 8) * 2 * 192 * 2, 16 * 61 * 576 * 2
    for version, model, size in (
        ("0.7.2", eight, latent),
        ("0.7.2", four, heads),
        ("0.7.3", four, latent),
    ):
        engine, kind = of_version(version), gpus()["h200-sxm5-141gb"]
        bill = engine.bill(model, engine.layout(model, kind, limits, tensor=8), [usual_site(kind)])
        assert bill.logged["block_bytes"] == size


def test_experts_ran_in_longer_chunks_before_0_6_1() -> None:
    """VLLM_FUSED_MOE_CHUNK_SIZE: DeepSeek-Coder-V2-Lite on two L40 has 63,040 tokens left beside 163,840 of a step."""
    limits = Limits(max_model_len=163840, memory_fraction=0.9, options={"enable_chunked_prefill": False})
    old, new = (
        _bill(version, "deepseek-ai/DeepSeek-V2-Lite", "l40", limits, tensor=2).per_device[0].activation_bytes
        for version in ("0.5.5", "0.6.1")
    )
    assert old - new == pytest.approx(32768 * 6 * (1408 + 704 + 2048) * 2, rel=1e-6)


def test_awq_kept_partial_sums_before_0_3() -> None:
    """0.2.7: Mixtral AWQ with 32,768 tokens runs out of memory on two A10; weights alone are 12.3 GiB each."""
    limits = Limits(enforce_eager=True)
    old, new = (
        _bill(release, "TheBloke/Mixtral-8x7B-Instruct-v0.1-AWQ", "a10", limits, tensor=2)
        for release in ("0.2.7", "0.3.0")
    )
    partial = old.per_device[0].activation_bytes - new.per_device[0].activation_bytes
    output = 32768 * 14336 * 2
    assert (
        16 * output < partial < 17 * output
    )  # partial sums twice, as reserved memory counts, and what they are added up to
    assert not old.fits


def test_long_prompts_are_chunked_unasked_from_0_5_3_on() -> None:
    """0.4.0: DeepSeek-Coder-1.3B, made for 65,536 tokens, has 26,816 on an RTX 3060, as its first step is as long."""
    gpu, model = gpus()["rtx-3060-12gb"], "deepseek-ai/deepseek-coder-1.3b-base"
    bill = _bill("0.4.0", model, gpu.slug, Limits(memory_fraction=0.9))
    assert abs(bill.kv_cache_tokens / 26816 - 1) < 0.01
    assert not bill.fits

    def tokens(release: str, **options: Any) -> int:
        engine = of_version(release)
        return engine.layout(load_model(model), gpu, Limits(options=options)).max_num_batched_tokens

    assert [tokens(release) for release in ("0.5.2", "0.5.3", "0.6.5")] == [65536, 512, 2048]
    assert [tokens(release, enable_prefix_caching=True) for release in ("0.5.5", "0.6.1")] == [65536, 512]
    assert tokens("0.6.5", speculative_model="Qwen/Qwen2.5-7B-Instruct") == 65536


def test_sums_across_ranks_stayed_reserved_before_0_2_7() -> None:
    """TORCH_NCCL_AVOID_RECORD_STREAMS; 0.4.2: Qwen1.5-32B in AWQ is served on two RTX 3090 with 32,768 tokens."""
    activations = [
        _bill(release, "meta-llama/Llama-2-70b-hf", "a100-sxm4-80gb", Limits(), tensor=4).per_device[0].activation_bytes
        for release in ("0.2.6", "0.2.7")
    ]
    assert activations[0] - activations[1] == 80 * 2 * 4096 * 8192 * 2
    stored = stored_as(load_model("Qwen/Qwen1.5-32B"), "awq")
    engine, gpu = of_version("0.4.2"), gpus()["rtx-3090"]
    assert engine.bill(stored, engine.layout(stored, gpu, Limits(), tensor=2), [usual_site(gpu)]).fits


def test_flashinfer_fuses_sums_of_hopper_nodes() -> None:
    """Three buffers of 512 MiB (0.19: 2.1 GiB outside PyTorch on two H100 and 0.55 in 0.16), one from 0.25 on."""
    two = {
        (release, gpu, eager): _bill(
            release, "Qwen/Qwen2.5-7B-Instruct", gpu, Limits(max_num_seqs=64, enforce_eager=eager), tensor=2
        )
        .per_device[0]
        .non_torch_bytes
        for release in ("0.16.0", "0.19.0", "0.25.0")
        for gpu, eager in (("h100-sxm5-80gb", False), ("h100-sxm5-80gb", True), ("a100-sxm4-80gb", False))
    }
    alone = two["0.19.0", "h100-sxm5-80gb", True]
    assert two["0.19.0", "h100-sxm5-80gb", False] - alone == 3 * 2**29
    assert two["0.25.0", "h100-sxm5-80gb", False] - two["0.25.0", "h100-sxm5-80gb", True] == 2**29
    assert two["0.16.0", "h100-sxm5-80gb", False] == two["0.16.0", "h100-sxm5-80gb", True]
    assert two["0.19.0", "a100-sxm4-80gb", False] == alone


def test_communicators_of_stages_and_of_ampere_are_small() -> None:
    """Two RTX 3090 in stages start with 0.95 (0.21), three RTX 4090 with 0.97; only Hopper sums in the switch."""
    model = "Qwen/Qwen2.5-7B-Instruct"
    stages = _bill("0.21.0", model, "rtx-3090", Limits(memory_fraction=0.95, max_model_len=8192), pipeline=2)
    assert stages.fits
    held = {
        gpu: gpus()[gpu].memory_gib
        - _bill("0.19.0", model, gpu, Limits(), tensor=2).logged["free_at_start_bytes"] / 2**30
        for gpu in ("a100-sxm4-80gb", "h100-sxm5-80gb")
    }
    assert held == pytest.approx({"a100-sxm4-80gb": 0.73, "h100-sxm5-80gb": 1.5}, abs=0.01)


def test_graphs_of_latent_attention_in_v0() -> None:
    """DeepSeek-R1 with TP8 and PP4 takes about 10 GiB of graphs a GPU (0.7, H100); on L40S it then runs out."""
    graphs = _bill("0.7.3", "deepseek-ai/DeepSeek-R1", "l40s", Limits(max_model_len=16384), tensor=8, pipeline=4)
    assert 9 * 2**30 < graphs.per_device[0].cuda_graph_bytes < 17 * 2**30  # with sums that NCCL keeps, of four batches
    assert not graphs.fits


def test_names_of_hopper_set_the_defaults_before_0_8_5() -> None:
    model, a100 = load_model("Qwen/Qwen3-8B"), gpus()["a100-sxm4-80gb"]
    made = {
        release: of_version(release).layout(model, a100, Limits()) for release in ("0.8.3", "0.8.4", "0.8.5", "0.9.1")
    }
    limits = {release: (one.max_num_batched_tokens, one.max_num_seqs) for release, one in made.items()}
    assert limits == {"0.8.3": (2048, 1024), "0.8.4": (2048, 256), "0.8.5": (8192, 1024), "0.9.1": (2048, 256)}


def test_the_llm_class_takes_longer_steps_than_the_server() -> None:
    """get_batch_defaults of 0.8.5 to 0.33 (vllm/engine/arg_utils.py): UsageContext.LLM_CLASS."""
    offline = Limits(options={"usage_context": "LLM_CLASS"})
    model = load_model("Qwen/Qwen3-8B")
    for version, gpu, server, own in (
        ("0.9.1", "h100-sxm5-80gb", 8192, 16384),
        ("0.9.1", "a100-sxm4-80gb", 2048, 8192),
        ("0.33.0", "b200-sxm-180gb", 16384, 16384),
    ):
        engine, kind = of_version(version), gpus()[gpu]
        assert engine.layout(model, kind, Limits()).max_num_batched_tokens == server
        assert engine.layout(model, kind, offline).max_num_batched_tokens == own
    asked = offline.model_copy(update={"max_num_batched_tokens": 4096})
    assert engine.layout(model, kind, asked).max_num_batched_tokens == 4096


def test_a_step_takes_the_longest_prompt_where_prompts_are_not_chunked() -> None:
    """_set_default_args_v1 of 0.11.0; later releases of vllm/engine/arg_utils.py have the larger of the two."""
    model, gpu = load_model("Qwen/Qwen3-8B"), gpus()["rtx-3090"]
    whole = Limits(max_model_len=32768, options={"enable_chunked_prefill": False})
    for version in ("0.11.0", "0.24.0"):
        layout = of_version(version).layout(model, gpu, whole)
        assert layout.max_num_batched_tokens == 32768
        assert not any("chunked" in reason for reason in of_version(version).refusals(model, layout, gpu))


def test_the_backend_of_transformers_held_gathered_matrices_whole_before_0_11() -> None:
    """Issue 16896: GLM-4-32B on four RTX 4090 wants 270 MiB more (0.8.4), which is a whole down_proj."""
    limits = Limits(max_model_len=16000, enforce_eager=True)
    asked = limits.model_copy(update={"options": {"model_impl": "transformers"}})
    own, whole, later = (
        _bill(version, "zai-org/GLM-4-32B-0414", "rtx-4090", one, tensor=4).per_device[0].weights_bytes
        for version, one in (("0.8.4", limits), ("0.8.4", asked), ("0.11.0", asked))
    )
    assert whole - own == pytest.approx(61 * 3 * 23040 * 6144 * 2 * 3 / 4, rel=0.01)
    assert later == pytest.approx(own, rel=0.01)


def test_amd_may_take_more_than_its_indexer_logits_before_0_33() -> None:
    """0.28 had 13.41 GiB left on eight MI300X where 23.32 were needed (vllm pull 54205); 8,192 tokens had started."""
    asked = {"memory_fraction": 0.92, "kv_cache_dtype": "fp8"}
    model, gpu = "deepseek-ai/DeepSeek-V4-Pro", "mi300x"
    doubled, before = (
        _bill("0.28.0", model, gpu, Limits(max_num_batched_tokens=step, **asked), tensor=8) for step in (16384, 8192)
    )
    assert doubled.logged["needed_kv_bytes"] / 2**30 == pytest.approx(23.32, abs=0.01)
    assert not doubled.fits
    assert before.fits


def test_amd_kept_indexer_logits_for_every_token_of_a_step() -> None:
    """0.28 on MI300X: DeepSeek-V4-Pro at its 1M context starts with 8,192 tokens a step and no longer with 16,384."""

    def kept(release: str, tokens: int) -> int:
        limits = Limits(max_num_batched_tokens=tokens, max_num_seqs=64)
        bill = _bill(release, "deepseek-ai/DeepSeek-V4-Pro", "mi300x", limits, tensor=8)
        return bill.per_device[0].activation_bytes

    logits = 8192 * (1048576 // 4) * 4
    assert kept("0.28.0", 16384) - kept("0.28.0", 8192) > logits
    assert kept("0.33.0", 16384) - kept("0.33.0", 8192) < logits // 2


def test_what_the_profiling_run_is_measured_by() -> None:
    """A100, 4,096 tokens, pull request 2031 of vLLM: 7,449 and 31,615 blocks before it, 7,351 and 20,865 with it."""

    def blocks(release: str, model: str, tensor: int) -> float:
        return _bill(release, model, "a100-sxm4-80gb", Limits(max_model_len=4096), tensor=tensor).logged["blocks"]

    small, large = ("meta-llama/Llama-2-7b", 1), ("meta-llama/Llama-2-70b", 4)
    logged = {("0.2.4", small): 7449, ("0.2.4", large): 31615, ("0.2.5", small): 7351, ("0.2.5", large): 20865}
    for (release, (model, tensor)), count in logged.items():
        assert abs(blocks(release, model, tensor) - count) < 0.03 * count
    assert blocks("0.2.7", *large) > 1.2 * blocks("0.2.5", *large)  # TORCH_NCCL_AVOID_RECORD_STREAMS


def test_reserved_memory_counts_up_to_0_6_3() -> None:
    """Two T4 have 507 blocks for DeepSeek-Coder-6.7B (vllm issue 5248), two A100 6,487 at 0.5 for Mixtral AWQ."""
    half = Limits(memory_fraction=0.5, enforce_eager=True)
    mixtral = _bill("0.2.7", "TheBloke/Mixtral-8x7B-Instruct-v0.1-AWQ", "a100-sxm4-80gb", half, tensor=2)
    assert mixtral.logged["blocks"] == pytest.approx(6487, rel=0.03)
    coder = _bill("0.5.0", "deepseek-ai/deepseek-coder-6.7b-base", "t4", Limits(options={"dtype": "float16"}), tensor=2)
    wasted = (coder.logged["blocks"] - 507) * coder.logged["block_bytes"]
    assert 0 < wasted < 0.15 * coder.per_device[0].activation_bytes


def test_sums_in_graphs_cost_memory_where_nccl_adds_them_up() -> None:
    """vllm pull 2192: 608 MiB more for 13B on two A30, 998 for 33B on two A100, before vLLM had its own all-reduce."""

    def graphs(release: str, model: str, gpu: str, tensor: int = 2) -> float:
        return _bill(release, model, gpu, Limits(), tensor=tensor).per_device[0].cuda_graph_bytes / 2**20

    base = graphs("0.4.2", "meta-llama/Llama-2-13b-hf", "a100-sxm4-80gb")
    assert graphs("0.2.7", "meta-llama/Llama-2-13b-hf", "a100-sxm4-80gb") - base == pytest.approx(608, rel=0.1)
    assert graphs("0.4.2", "meta-llama/Llama-2-13b-hf", "a10") == base  # two cards that read each other over PCIe
    assert graphs("0.4.2", "meta-llama/Llama-2-13b-hf", "rtx-3090") > base + 550
    # four RTX 4090 with Yi-1.5-34B: 2,464 MiB more than eagerly (vllm issue 7553)
    assert graphs("0.5.4", "01-ai/Yi-34B", "rtx-4090", 4) == pytest.approx(2464, rel=0.05)


def test_whole_graphs_hold_outputs_of_split_attention_on_hopper_alone() -> None:
    """FlashAttention 3 has them: Qwen3-8B has 0.52 GiB of graphs on an RTX 4090 (0.21.0)."""

    def graphs(release: str, model: str, gpu: str) -> float:
        return (
            _bill(release, model, gpu, Limits(max_model_len=8192, max_num_seqs=256)).per_device[0].cuda_graph_bytes
            / 2**30
        )

    assert graphs("0.21.0", "Qwen/Qwen3-8B", "rtx-4090") == pytest.approx(0.52, abs=0.06)
    split = 32 * 256 * 32 * 128 * 4 / 2**30  # splits, sequences, heads, elements, bytes of float32
    assert graphs("0.21.0", "Qwen/Qwen3-8B", "h100-sxm5-80gb") == pytest.approx(
        graphs("0.21.0", "Qwen/Qwen3-8B", "rtx-4090") + split, abs=0.001
    )
    assert graphs("0.8.5", "Qwen/Qwen3-8B", "h100-sxm5-80gb") == graphs("0.8.5", "Qwen/Qwen3-8B", "rtx-4090")


def test_graphs_of_four_a10_do_not_fit_beside_the_pool_in_0_8_5() -> None:
    """vllm issue 17469: Qwen3-30B-A3B runs out of memory even with one sequence, and starts eagerly."""
    limits = Limits(max_model_len=1024, max_num_seqs=1)
    assert not _bill("0.8.5", "Qwen/Qwen3-30B-A3B", "a10", limits, tensor=4).fits
    assert _bill("0.8.5", "Qwen/Qwen3-30B-A3B", "a10", limits.model_copy(update={"enforce_eager": True}), tensor=4).fits


def test_what_runs_out_while_graphs_are_captured() -> None:
    """gemma-2-9b on eight L4, 0.5.4 (vllm issue 7593); Qwen3-235B on eight A100, 0.8.5, on V1 and not on V0 (18446)."""
    assert not _bill("0.5.4", "google/gemma-2-9b-it", "l4", Limits(), tensor=8).fits
    for generation, fits in (("1", False), ("0", True)):
        limits = Limits(memory_fraction=0.9, options={"VLLM_USE_V1": generation})
        assert _bill("0.8.5", "Qwen/Qwen3-235B-A22B", "a100-sxm4-80gb", limits, tensor=8).fits == fits


def test_the_second_runner_estimated_no_graphs_before_0_30() -> None:
    """gpu/model_runner.py of 0.28: profile_cudagraph_memory returns 0; V1, which mixtures of experts ran on, had it."""

    def spared(release: str, model: str) -> float:
        whole, none = (
            _bill(release, model, "h100-sxm5-80gb", Limits(options=options)).logged["available_kv_bytes"]
            for options in ({}, {"compilation_config": '{"cudagraph_mode": "NONE"}'})
        )
        return none - whole

    assert spared("0.28.0", "Qwen/Qwen3-8B") == 0
    assert spared("0.30.0", "Qwen/Qwen3-8B") > 2**28
    assert spared("0.28.0", "openai/gpt-oss-20b") > 2**28


def test_ranks_of_a_whole_hopper_node_hold_more_outside_pytorch() -> None:
    """7.16 GiB of non-torch memory on eight H200 (0.7.3); Kimi-K2.5 on eight H100, 0.15: a pool of 0.64 GiB."""
    eight = _bill("0.7.3", "deepseek-ai/DeepSeek-R1", "h200-sxm5-141gb", Limits(memory_fraction=0.85), tensor=8)
    assert eight.per_device[0].non_torch_bytes / 2**30 == pytest.approx(7.16, abs=0.01)
    whole_tower = {"mm_encoder_tp_mode": "data"}
    limits = Limits(max_model_len=8192, max_num_seqs=64, memory_fraction=0.95, options=whole_tower)
    kimi = _bill("0.15.0", "moonshotai/Kimi-K2.5", "h100-sxm5-80gb", limits, tensor=8)
    assert kimi.logged["available_kv_bytes"] / 2**30 == pytest.approx(0.64, abs=0.05)


def test_experts_in_four_bits_have_the_buffers_of_marlin_before_blackwell() -> None:
    """Issue 44376, 0.22: two GH200 have 5.44 GiB of cache, 6.66 are needed, as they are for 16,384 tokens a step."""
    limits = Limits(max_model_len=30000, max_num_batched_tokens=16384, memory_fraction=0.95, block_size=256)
    bill = _bill("0.22.0", "deepseek-ai/DeepSeek-V4-Flash", "gh200-96gb", limits, tensor=2, expert_parallel=True)
    assert round(bill.logged["needed_kv_bytes"] / 2**30, 2) == 6.66
    assert abs(bill.logged["available_kv_bytes"] / 2**30 - 5.44) < 0.1 * 5.44
    assert not bill.fits


def test_the_second_runner_warms_up_with_what_it_did_not_profile() -> None:
    """Qwen3.6-27B-FP8 on four H100 ran out of memory in the warm-up of V2 (vllm pull 48601); 0.33 profiles it."""
    for release, fits in (("0.26.0", False), ("0.33.0", True)):
        limits = Limits(options={"VLLM_USE_V2_MODEL_RUNNER": "1"})
        found = _bill(release, "Qwen/Qwen3.6-27B-FP8", "h100-sxm5-80gb", limits, tensor=4)
        assert found.fits == fits
        assert fits or "warm-up" in found.reasons[0]


def test_a_fraction_of_one_leaves_nothing_for_libraries() -> None:
    """Llama 2 70B on eight V100 of 32 GB at gpu_memory_utilization 1 (vllm issue 2348)."""
    for fraction, fits in ((1.0, False), (0.95, True)):
        limits = Limits(max_model_len=1024, memory_fraction=fraction, enforce_eager=True, options={"dtype": "float16"})
        assert _bill("0.2.6", "meta-llama/Llama-2-70b-hf", "v100-sxm2-32gb", limits, tensor=8).fits == fits


def test_what_is_held_of_shared_memory_grows_with_the_weights() -> None:
    """Pools on DGX Spark: Qwen3-0.6B 69.4 GiB at 0.6 of 121.7 (0.27.1)."""
    spark = gpus()["gb10"]
    model, engine = load_model("Qwen/Qwen3-0.6B"), of_version("0.27.1")
    site = replace(usual_site(spark), free_bytes=int(114.54 * 2**30))
    small = engine.bill(model, engine.layout(model, spark, Limits(memory_fraction=0.6)), [site])
    assert small.logged["available_kv_bytes"] / 2**30 == pytest.approx(69.4, rel=0.02)


def test_models_were_refused_in_float16_from_0_9_1_on() -> None:
    """Gemma 3 loaded in float16 in 0.8.3 (vllm issue 16199); config.py of 0.9.1 says numerical instability."""
    gemma, kind = load_model("google/gemma-3-27b-it"), gpus()["a100-sxm4-80gb"]
    for release, refused in (("0.8.3", False), ("0.9.1", True)):
        engine = of_version(release)
        layout = engine.layout(gemma, kind, Limits(max_model_len=4096, options={"dtype": "float16"}))
        assert any("unstable" in reason for reason in engine.refusals(gemma, layout, kind)) == refused


def test_groups_that_words_name_reach_the_loaded_weights() -> None:
    """`Model loading took 17.6110 GiB` of gaunernst/gemma-3-27b-it-int4-awq, in groups of 32 (vllm issue 16199)."""
    gemma, engine = stored_as(load_model("google/gemma-3-27b-it"), "awq, groups of 32"), of_version("0.8.3")
    kind, limits = gpus()["a100-sxm4-80gb"], Limits(max_model_len=4096, options={"VLLM_USE_V1": "0"})
    found = engine.bill(gemma, engine.layout(gemma, kind, limits), [usual_site(kind)])
    assert found.per_device[0].weights_bytes / 2**30 == pytest.approx(17.611, abs=0.01)


def test_between_nodes_sums_in_graphs_stay_with_nccl_on_dgx_spark() -> None:
    """MiniMax-M2.7 AWQ over two DGX Spark, 0.29.1: pools of 22.5 GiB at 0.8, where 23.25 are needed, 28.74 at 0.85."""
    spark, engine = gpus()["gb10"], of_version("0.29.1")
    model = stored_as(load_model("MiniMaxAI/MiniMax-M2.7"), "awq")
    for share, pool, fits in ((0.8, 22.5, False), (0.85, 28.74, True)):
        limits = Limits(max_model_len=196608, memory_fraction=share)
        found = engine.bill(model, engine.layout(model, spark, limits, tensor=2), [usual_site(spark)])
        assert found.logged["available_kv_bytes"] / 2**30 == pytest.approx(pool, rel=0.04)
        assert found.fits == fits


def test_a_video_whose_frames_are_told_the_time_was_laid_out_with_the_words() -> None:
    """Qwen3-VL-30B-A3B on an A100 had 8.04 GiB of cache in 0.11.0, where 11.1 would remain without such a video."""
    pools = {}
    for release, options in (("0.11.0", {}), ("0.13.0", {}), ("0.11.0", {"limit_mm_per_prompt": '{"video": 0}'})):
        limits = Limits(max_model_len=81920, memory_fraction=0.9, options=options)
        found = _bill(release, "Qwen/Qwen3-VL-30B-A3B-Instruct", "a100-sxm4-80gb", limits)
        pools[release, bool(options)] = found.logged["available_kv_bytes"] / 2**30
    laid_out = 153600 * 4 * 2048 * 2 / 2**30
    assert pools["0.11.0", True] - pools["0.11.0", False] == pytest.approx(laid_out, rel=0.35)
    assert pools["0.13.0", False] > pools["0.11.0", False] + 1


def test_what_the_system_holds_of_shared_memory_leaves_nine_tenths() -> None:
    """Mistral-7B GPTQ started at 0.9 of a DGX Spark with a pool of 102.56 GiB (0.11.0)."""
    spark, engine = gpus()["gb10"], of_version("0.11.0")
    model = stored_as(load_model("mistralai/Mistral-7B-Instruct-v0.2"), "gptq")
    limits = Limits(memory_fraction=0.9, max_num_batched_tokens=2048, options={"dtype": "float16"})
    found = engine.bill(model, engine.layout(model, spark, limits), [usual_site(spark)])
    assert found.fits
    assert found.logged["available_kv_bytes"] / 2**30 == pytest.approx(102.56, rel=0.01)


def test_recurrent_layers_need_a_block_for_each_sequence_from_0_20() -> None:
    """Recipes 551: on an H100 `max_num_seqs (1024) exceeds available Mamba cache blocks (856)`; 512 start."""
    limits = Limits(max_model_len=262144, memory_fraction=0.95)
    refused = _bill("0.23.0", "Qwen/Qwen3.6-27B-FP8", "h100-sxm5-80gb", limits)
    assert refused.logged["blocks"] == pytest.approx(856, rel=0.02)
    assert not refused.fits
    assert any("max_num_seqs 1,024" in reason for reason in refused.reasons)
    for release, changed in (
        ("0.23.0", {"max_num_seqs": 512}),
        ("0.23.0", {"enforce_eager": True}),
        ("0.19.0", {}),
    ):
        assert _bill(release, "Qwen/Qwen3.6-27B-FP8", "h100-sxm5-80gb", limits.model_copy(update=changed)).fits


def test_v0_held_the_states_of_hybrid_models_beside_the_pool() -> None:
    """Issue 23230: Nemotron Nano 9B v2 `Tried to allocate 33.75 GiB` on an L40S with 0.10.1; so many are 256 states."""
    old, new = (
        _bill("0.10.1", "nvidia/NVIDIA-Nemotron-Nano-9B-v2", "l40s", Limits(options={"VLLM_USE_V1": generation}))
        for generation in ("0", "1")
    )
    assert 33.75 * 2**30 < old.per_device[0].activation_bytes < 36 * 2**30
    assert not old.fits
    assert new.fits


def test_each_stage_was_asked_for_the_cache_of_all_in_0_14() -> None:
    """Issue 32105: three stages on RTX 4090 `24.0 GiB KV cache is needed` of each, twice what half the length needs."""
    limits = Limits(max_model_len=131072, memory_fraction=0.9)
    needed = {
        release: _bill(release, "Qwen/Qwen3-VL-30B-A3B-Thinking-FP8", "rtx-4090", limits, pipeline=3)
        for release in ("0.13.0", "0.14.0", "0.15.1", "0.16.0")
    }
    gib = {release: bill.logged["needed_kv_bytes"] / 2**30 for release, bill in needed.items()}
    assert gib == {"0.13.0": 4, "0.14.0": 12, "0.15.1": 12, "0.16.0": 4}
    assert [bill.fits for bill in needed.values()] == [True, False, False, True]


def test_v0_samples_in_its_profiling_run_where_prompts_are_chunked() -> None:
    """DeepSeek-R1-Distill-Qwen-14B on two RTX 4090 (0.7.2): a cache of 81,536 tokens, where the rank that does not
    sample logs 0.19 GiB of activation and 8.69 GiB of cache, 94,900 tokens; GLM-4-9B on one (0.6.2): 53,376 tokens.
    """
    limits = Limits(memory_fraction=0.98, max_model_len=131072)
    pair = _bill("0.7.2", "deepseek-ai/DeepSeek-R1-Distill-Qwen-14B", "rtx-4090", limits, tensor=2)
    alone = _bill("0.6.2", "zai-org/glm-4-9b-chat-hf", "rtx-4090", Limits())
    assert pair.kv_cache_tokens == pytest.approx(81536, rel=0.02)
    assert alone.kv_cache_tokens == pytest.approx(53376, rel=0.04)


def test_stages_of_v0_share_out_the_blocks_from_0_8_on() -> None:
    """QwQ-32B on two RTX 5090 (0.8.5): of 7,299 blocks a stage has 3,649, 58,384 tokens; 60,000 did not start."""

    def bill(release: str, length: int) -> Bill:
        limits = Limits(max_model_len=length, memory_fraction=0.85, options={"VLLM_USE_V1": "0"})
        return _bill(release, "Qwen/Qwen3-32B-AWQ", "rtx-4090", limits, pipeline=2)

    blocks = bill("0.8.5", 33000).logged["blocks"]
    assert 33000 < blocks // 2 * 16 < 40000 < blocks * 16
    fits = {
        (release, length): bill(release, length).fits for release in ("0.7.3", "0.8.5") for length in (33000, 40000)
    }
    assert [how for how, starts in fits.items() if not starts] == [("0.8.5", 40000)]
    assert bill("0.8.5", 33000).sequences == 2


def test_experts_stood_whole_on_each_rank_before_the_class_came() -> None:
    """QwenLM/Qwen3-VL issue 1493: out of memory on eight H20, in transformers.py of 0.10.2."""
    limits, model = Limits(max_model_len=8192), "Qwen/Qwen3-VL-235B-A22B-Instruct"
    how: dict[str, Any] = {"tensor": 8, "expert_parallel": True}
    before, after = (_bill(release, model, "h20-sxm5-96gb", limits, **how) for release in ("0.10.2", "0.11.0"))
    experts = 94 * 128 * 3 * 4096 * 1536
    assert before.per_device[0].weights_bytes > 2 * experts
    assert after.per_device[0].weights_bytes < experts // 3


def test_a_tower_stands_whole_on_ranks_that_share_images_out() -> None:
    """Kimi-K2.5 on eight H100 (0.15.0) with `--mm-encoder-tp-mode data`: 72.02 GiB of weights a GPU."""
    limits = Limits(max_model_len=8192, max_num_seqs=64)
    shared = limits.model_copy(update={"options": {"mm_encoder_tp_mode": "data"}})
    cut, whole = (
        _bill("0.15.0", "moonshotai/Kimi-K2.5", "h100-sxm5-80gb", how, tensor=8).per_device[0].weights_bytes / 2**30
        for how in (limits, shared)
    )
    assert whole == pytest.approx(72.02, abs=0.06)
    assert cut < 71.4


def test_experts_in_four_bits_had_caches_that_come_and_go_on_marlin() -> None:
    """The first one in fused_marlin_moe takes 8 * 8192 rows of the wider output, the second 8 * 8192 of 768."""
    limits, model = Limits(max_num_batched_tokens=8192), "cyankiwi/Qwen3-30B-A3B-Instruct-2507-AWQ-4bit"
    before, after = (_bill(release, model, "a100-sxm4-80gb", limits) for release in ("0.19.0", "0.24.0"))
    assert before.per_device[0].activation_bytes < after.per_device[0].activation_bytes


def test_what_was_free_at_the_start_needs_no_margin() -> None:
    """Qwen2.5-0.5B on a GTX 1650 (0.28.0) with 3.22 of 4 GiB free starts at 0.75, asking for 3.0; 0.85 asks for 3.4."""
    engine, kind, model = of_version("0.28.0"), gpus()["gtx-1650"], load_model("Qwen/Qwen2.5-0.5B")
    site = replace(usual_site(kind), free_bytes=int(3.22 * 2**30))
    for fraction, fits in ((0.75, True), (0.85, False)):
        limits = Limits(memory_fraction=fraction, max_model_len=2048, max_num_seqs=32)
        assert engine.bill(model, engine.layout(model, kind, limits), [site]).fits is fits


def test_rows_of_experts_lie_apart_on_amd() -> None:
    """256 bytes beyond each row of 4,096 (gate, up) and 1,536 (down) of 48 layers' 128 experts (_maybe_pad_weight)."""
    limits, model = Limits(max_model_len=8192), "Qwen/Qwen3-30B-A3B"
    weights = {
        (release, gpu): _bill(release, model, gpu, limits).per_device[0].weights_bytes
        for release in ("0.8.0", "0.28.0")
        for gpu in ("h200-sxm5-141gb", "mi300x")
    }
    more = 48 * 128 * 256 * (2 * 768 + 2048)
    assert weights["0.28.0", "mi300x"] - weights["0.28.0", "h200-sxm5-141gb"] == pytest.approx(more, rel=0.01)
    assert weights["0.8.0", "mi300x"] == weights["0.8.0", "h200-sxm5-141gb"]


def test_embeddings_that_runners_hold_count_from_0_27_on() -> None:
    """Two RTX 3090 that draft with Qwen3.8-27B consumed 15.25 GiB each (0.27.1); 14.90 are weights and libraries."""

    def other(release: str, options: dict[str, Any]) -> int:
        limits = Limits(max_model_len=262144, max_num_seqs=2, max_num_batched_tokens=8192, options=options)
        bill = _bill(release, "Qwen/Qwen3.6-27B-FP8", "rtx-3090", limits, tensor=2)
        return bill.per_device[0].non_torch_bytes

    drafted: dict[str, Any] = {"speculative_config": '{"method": "mtp", "num_speculative_tokens": 3}'}
    looked_up: dict[str, Any] = {"speculative_config": '{"method": "ngram", "num_speculative_tokens": 3}'}
    step = 8192 * 5120 * 2
    base = other("0.26.0", {})
    assert [other("0.26.0", drafted) - base, other("0.27.1", looked_up) - base] == [0, step]
    assert other("0.27.1", drafted) - base == 3 * step


def test_bitsandbytes_unpacks_one_matrix_at_a_time() -> None:
    """So many tokens that neither what is sampled nor what is compiled takes more."""
    limits = Limits(max_num_batched_tokens=16384, max_num_seqs=16, options={"compile_cache": "warm"})
    packed, plain = (
        _bill("0.19.0", name, "h100-sxm5-80gb", limits).per_device[0].activation_bytes
        for name in ("unsloth/Meta-Llama-3.1-8B-Instruct-bnb-4bit", "meta-llama/Llama-3.1-8B-Instruct")
    )
    assert packed - plain == 2 * (14336 * 4096 + 16384 * 14336)


def test_stages_of_v0_have_a_communicator() -> None:
    """QwQ-32B in four bits on two RTX 5090 (0.8.5): 0.33 GiB outside PyTorch."""
    limits = Limits(max_model_len=8192, options={"VLLM_USE_V1": "0"})
    alone, staged = (
        _bill("0.8.5", "Qwen/Qwen3-32B-AWQ", "rtx-5090", limits, pipeline=stages).per_device[0].non_torch_bytes
        for stages in (1, 2)
    )
    assert alone < 0.1 * 2**30
    assert staged == pytest.approx(0.33 * 2**30, rel=0.3)


def test_lines_of_the_pool_err_independently() -> None:
    """The cache at its lower edge is what all errors at once leave: the root of the sum of their squares."""
    engine, kind, model = of_version("0.21.0"), gpus()["l40s"], load_model("Qwen/Qwen3-8B")
    layout = engine.layout(model, kind, Limits(max_model_len=8192))
    rules = engine.rules(layout.options, kind)
    [(usual, most)] = pipeline_lines(model, layout, [usual_site(kind)], rules, engine.release, 0.99)
    lines = ("weights", "activation", "non_torch", "graphs")
    errors = [getattr(most, line) - getattr(usual, line) for line in lines]
    assert usual.pool - most.pool == pytest.approx(hypot(*errors), abs=2)
    assert max(errors) < usual.pool - most.pool < sum(errors)


def test_gb10_gets_the_smallest_batch_limits() -> None:
    """NVML does not tell the memory of GB10 (vllm pull 57378: 2,048 tokens and 256 sequences of 121.7 GiB)."""
    engine, model = of_version("0.27.1"), load_model("Qwen/Qwen3-8B")
    limits = {gpu: engine.layout(model, gpus()[gpu], Limits()) for gpu in ("gb10", "gh200-96gb")}
    assert (limits["gb10"].max_num_batched_tokens, limits["gb10"].max_num_seqs) == (2048, 256)
    assert (limits["gh200-96gb"].max_num_batched_tokens, limits["gh200-96gb"].max_num_seqs) == (8192, 1024)


def test_outputs_of_latent_attention_are_split_on_hopper() -> None:
    """0.19: graphs of Kimi-VL-A3B took 1.50 GiB on an H100 and 1.26 on each of two (v038, v039)."""
    limits = Limits(max_model_len=8192)
    for ranks, logged in ((1, 1.50), (2, 1.26)):
        bill = _bill("0.19.0", "moonshotai/Kimi-VL-A3B-Instruct", "h100-sxm5-80gb", limits, tensor=ranks)
        assert bill.per_device[0].cuda_graph_bytes / 2**30 == pytest.approx(logged, rel=0.03)


def test_every_stage_of_deepseek_had_a_head_before_0_8() -> None:
    """DeepSeek-V3 on four nodes of eight RTX 4090, 0.6.6: `Loading model weights took 16.9583 GB`."""
    limits = Limits(max_model_len=128, enforce_eager=True)
    bill = _bill("0.6.6", "deepseek-ai/DeepSeek-V3", "rtx-4090", limits, tensor=8, pipeline=4)
    assert bill.per_device[0].weights_bytes / 2**30 == pytest.approx(16.9583, rel=0.001)


def test_releases_before_0_2_are_old_and_checkouts_without_tags_are_new() -> None:
    """Run fresh18-vllm-mpt-7b-8xh100 (July 2023, 0.1.2): 37,085 blocks at 0.95."""
    model, gpu = load_model("mosaicml/mpt-7b"), gpus()["h100-sxm5-80gb"]
    limits = Limits(memory_fraction=0.95, block_size=32, max_num_batched_tokens=20000)
    engine = of_version("0.1.2")
    bill = engine.bill(model, engine.layout(model, gpu, limits, tensor=8), [usual_site(gpu)])
    assert abs(bill.logged["blocks"] / 37085 - 1) < 0.01
    fractions = [
        of_version(v).layout(model, gpu, Limits()).memory_fraction for v in ("0.1.7", "0.1.dev20073+g8e685d198")
    ]
    assert fractions == [0.9, 0.92]


def test_pipelines_capture_for_each_batch_in_flight_from_0_5_1_on() -> None:
    """worker/model_runner.py, capture_model: a quarter of the layers, captured four times."""
    limits = Limits(max_model_len=8192, options={"nvidia_driver": "555"})

    def graphs(version: str, **layout: int) -> int:
        return (
            _bill(version, "meta-llama/Llama-3.3-70B-Instruct", "h100-sxm5-80gb", limits, **layout)
            .per_device[0]
            .cuda_graph_bytes
        )

    alone = graphs("0.6.3", tensor=8)
    assert abs(graphs("0.6.3", tensor=8, pipeline=4) / alone - 1) < 0.01
    assert graphs("0.5.0", tensor=8, pipeline=4) < 0.5 * alone
