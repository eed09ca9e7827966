"""The bill against start-up logs of SGLang, and what must hold for any layout."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.engines import find_engine
from planner.engines.sglang import pools
from planner.engines.sglang.profile import _sequences
from planner.engines.sglang.split_outputs import split_bytes, splits
from planner.engines.sglang.state_slots import Slots, request_state, slots_cut
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits, OptionValue
from planner.memory.bill import Bill
from planner.models.source import load_model
from planner.units import GIB, MIB

SGLANG = find_engine("sglang")
H100 = gpus()["h100-sxm5-80gb"]


def bill(model: str, limits: Limits, *, free_gib: float | None = None, gpu=H100, **sizes) -> Bill:
    loaded = load_model(model)
    site = replace(usual_site(gpu), free_bytes=free_gib and int(free_gib * GIB))
    return SGLANG.bill(loaded, SGLANG.layout(loaded, gpu, limits, **sizes), [site])


@pytest.mark.parametrize(
    ("model", "free_gib", "tokens", "after_pool_gib"),
    [("llama-3.1-8b", 78.59, 442_913, 8.37), ("llama-3.1-8b", 78.81, 444_500, 8.34),
     ("llama-3.2-1b", 78.81, 2_193_171, 7.45)],
)  # fmt: skip
def test_documentation_runs(model: str, free_gib: float, tokens: int, after_pool_gib: float) -> None:
    """Logs of the documentation's CI (an empty 80 GB card, --mem-fraction-static 0.88)."""
    requests = 4097 if "1b" in model else 2049
    limits = Limits(max_model_len=131072, max_num_seqs=requests, memory_fraction=0.88)
    found = bill(model, limits, free_gib=free_gib)
    assert found.kv_cache_tokens == pytest.approx(tokens, rel=0.001)
    assert found.logged["free_after_pool_bytes"] / GIB == pytest.approx(after_pool_gib, abs=0.15)


@pytest.mark.parametrize(
    ("model", "tensor", "gib"),
    [("Qwen2.5-7B-Instruct", 1, 14.41), ("llama-3.1-8b", 1, 15.02), ("Qwen3.5-4B", 1, 8.62), ("Qwen3.5-9B", 2, 8.85)],
)
def test_weights_take_whole_segments(model: str, tensor: int, gib: float) -> None:
    """`Load weight end. ... mem usage=`; rotary tables of Qwen3.5 are a quarter of a head wide."""
    found = bill(model, Limits(max_model_len=8192), tensor=tensor)
    assert found.per_device[0].weights_bytes / GIB == pytest.approx(gib, rel=0.007)


@pytest.mark.parametrize(("fraction", "tokens"), [(0.7, 228_520), (0.45, 0)])
def test_the_system_holds_a_part_of_shared_memory(fraction: float, tokens: int) -> None:
    """Qwen3.8-27B-NVFP4 on DGX Spark: tokens beside 360 slots and 21.9 GiB of weights."""
    options: dict[str, OptionValue] = {"max_mamba_cache_size": 360, "mamba_ssm_dtype": "float32"}
    limits = {"max_model_len": 32768, "max_num_seqs": 72, "kv_cache_dtype": "fp8_e4m3", "options": options}
    found = bill("nvidia/Qwen3.6-27B-NVFP4", Limits(memory_fraction=fraction, **limits), gpu=gpus()["gb10"])
    heavier = int(21.9 * GIB) - found.per_device[0].weights_bytes
    assert found.fits == bool(tokens)
    assert max(0, found.kv_cache_tokens - heavier // (16 * 2 * 4 * 256)) == pytest.approx(tokens, rel=0.2)


def test_keys_and_states_are_told_apart() -> None:
    """Qwen3.5-9B on two cards: 186 slots, matrices 4.38 GiB and convolutions 0.10, keys 2.50 GiB of 327,310 tokens."""
    limits = Limits(max_model_len=262144, memory_fraction=0.8, options={"max_mamba_cache_size": 186})
    found = bill("Qwen3.5-9B", limits, free_gib=22.93, tensor=2)
    logged = {name: found.logged[name] / GIB for name in ("state_bytes", "conv_state_bytes", "k_bytes")}
    assert logged == pytest.approx({"state_bytes": 4.38, "conv_state_bytes": 0.10, "k_bytes": 2.50}, rel=0.03)


def test_latent_is_whole_on_every_rank_and_attention_data_parallelism_divides_it() -> None:
    """161,488 tokens of DeepSeek-V3 take 10.57 GiB a rank, whatever the tensor size (run sgl-6017)."""
    gpu = gpus()["h200-sxm5-141gb"]
    for sizes in ({"tensor": 8}, {"tensor": 1, "data": 8, "expert_parallel": True}):
        found = bill("deepseek-ai/DeepSeek-V3", Limits(max_model_len=8192), gpu=gpu, **sizes)
        assert found.per_device[0].kv_cache_bytes / found.kv_cache_tokens * 161_488 / GIB == pytest.approx(10.57, 0.001)
    groups = bill(
        "deepseek-ai/DeepSeek-V3", Limits(max_model_len=8192), gpu=gpu, tensor=1, data=8, expert_parallel=True
    )
    assert groups.sequences > groups.kv_cache_tokens // 8192


def test_weights_that_leave_nothing_are_named() -> None:
    """ "Loaded weights leave no GPU memory for the KV cache under --mem-fraction-static" (kv_cache_configurator.py)."""
    over = bill("llama-3.1-70b", Limits(max_model_len=8192), tensor=1)
    assert not over.fits and "exceed" in over.reasons[0]
    tight = bill("llama-3.1-70b", Limits(max_model_len=8192, memory_fraction=0.8), tensor=2)
    assert not tight.fits and "leave no memory for the KV cache" in tight.reasons[0]


def test_request_table_grows_with_context_and_breaks_the_slack() -> None:
    """Four bytes for each position of each running request, after the pool is sized."""
    table = [
        bill("llama-3.1-8b", Limits(max_model_len=131072, max_num_seqs=n, memory_fraction=0.88)) for n in (2049, 4097)
    ]
    grown = table[1].per_device[0].activation_bytes - table[0].per_device[0].activation_bytes
    assert grown == 2048 * (131072 + 4) * 4
    full = bill("llama-3.1-8b", Limits(max_model_len=131072, max_num_seqs=4096, memory_fraction=0.985))
    assert not full.fits and "beside the pool" in full.reasons[0]


def test_last_stages_take_the_extra_layer() -> None:
    """distributed/utils.py: the last N partitions will have one extra layer."""
    layout = SGLANG.layout(load_model("llama-3.1-8b"), H100, Limits(), pipeline=3)
    assert layout.layers_per_stage == (10, 11, 11)


def test_old_versions_lower_a_given_fraction_for_vision() -> None:
    old = find_engine("sglang", "0.4.1")
    assert (old.version, find_engine("sglang").version) == ("0.4.1", "0.5.23")


@given(st.sampled_from([1, 2, 4, 8]), st.floats(0.5, 0.9), st.sampled_from([4096, 32768]))
@settings(max_examples=30, deadline=None)
def test_more_memory_never_holds_less(tensor: int, fraction: float, context: int) -> None:
    limits = Limits(max_model_len=context, max_num_seqs=64, memory_fraction=round(fraction, 3))
    small = bill("Qwen3-32B", limits, tensor=tensor)
    large = bill("Qwen3-32B", limits, gpu=gpus()["h200-sxm5-141gb"], tensor=tensor)
    assert large.sequences >= small.sequences
    for device in small.per_device:
        assert device.total_bytes <= device.device_bytes + 8 * GIB
        assert device.weights_bytes > 60 * GIB / tensor - 64 * MIB


@pytest.mark.parametrize(("ranks", "fraction"), [(1, 0.88), (2, 0.87), (4, 0.85), (8, 0.81)])
def test_before_0_4_10_the_fraction_followed_the_ranks(ranks: int, fraction: float) -> None:
    """ServerArgs.__post_init__ of 0.4.6."""
    old, loaded = find_engine("sglang", "0.4.6"), load_model("llama-3.1-8b")
    assert old.layout(loaded, H100, Limits(), tensor=ranks).memory_fraction == fraction


@pytest.mark.parametrize(
    ("version", "gpu", "ranks", "fraction", "chunk", "batch"),
    [
        ("0.2.5", "a100-sxm4-80gb", 8, 0.84, 16384, 128),  # not cut: --max-prefill-tokens
        ("0.2.9.post1", "a100-sxm4-80gb", 1, 0.88, 16384, 128),
        ("0.2.13", "a100-sxm4-80gb", 8, 0.83, 8192, 128),
        ("0.3.0", "a10", 1, 0.88, 8192, 160),
        ("0.3.5", "a10", 1, 0.88, 2048, 4),
        ("0.3.6", "a100-sxm4-80gb", 8, 0.82, 8192, 160),
        ("0.4.6", "h200-sxm5-141gb", 8, 0.9074, 8192, 256),  # 13 GiB kept
        ("0.4.6.post2", "h200-sxm5-141gb", 1, 0.8718, 8192, 256),  # 18 GiB kept, as of a run of the end of May 2025
        ("0.4.7", "a100-sxm4-40gb", 1, 0.88, 8192, 160),
        ("0.4.9", "h100-sxm5-80gb", 8, 0.831, 8192, 160),  # 9.5 GiB and a half a rank
        ("0.5.1", "a10", 1, 0.871, 2048, 8),
        ("0.5.4", "rtx-4090", 1, 0.848, 2048, 16),
        ("0.5.4.post1", "rtx-4090", 1, 0.847, 2048, 24),
        ("0.5.23", "rtx-4090", 1, 0.704, 4096, 48),
    ],
)
def test_defaults_of_releases(version: str, gpu: str, ranks: int, fraction: float, chunk: int, batch: int) -> None:
    """ServerArgs of each release, of the memory that nvidia-smi says."""
    found = find_engine("sglang", version).layout(load_model("Qwen/Qwen3-8B"), gpus()[gpu], Limits(), tensor=ranks)
    said = (found.max_num_batched_tokens, found.options["cuda_graph_max_bs_decode"])
    assert (found.memory_fraction, *said) == (pytest.approx(fraction, abs=1e-3), chunk, batch)


def test_tables_of_pages_are_as_long_as_the_context() -> None:
    """Llama-4-Maverick on Hopper: 6.19 GB for graphs, of which four tables (sglang#8538)."""
    h200, loaded = gpus()["h200-sxm5-141gb"], load_model("meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8")

    def graphs(version: str, context: int, **options: object) -> float:
        engine, limits = find_engine("sglang", version), Limits(max_model_len=context, options=options)
        layout = engine.layout(loaded, h200, limits, tensor=8)
        return engine.bill(loaded, layout, [usual_site(h200)], 0.5).per_device[0].cuda_graph_bytes / GIB

    assert graphs("0.4.9.post6", 2**20) - graphs("0.4.9.post6", 2**18) == pytest.approx(4 * 0.75)
    newest = {"cuda_graph_max_bs": 256, "disable_prefill_cuda_graph": True}
    assert graphs("0.5.23", 2**20, **newest) - graphs("0.5.23", 2**18, **newest) == pytest.approx(3 * 0.75)
    assert graphs("0.5.23", 2**20, **newest, attention_backend="triton") < 1.1


def test_layers_that_attend_to_an_image_cache_text_too() -> None:
    """Llama 3.2 11B Vision: 1.56 GB of keys for 20,480 tokens, all 40 layers (run sgl-doc-llama32-11bv-2503)."""
    found = bill("Llama-3.2-11B-Vision-Instruct", Limits(max_model_len=131072, options={"max_total_tokens": 20480}))
    assert found.per_device[0].kv_cache_bytes / 2 / GIB == pytest.approx(1.56, abs=0.005)


def test_sums_of_nccl_in_graphs_kept_memory_before_0_4_7() -> None:
    """QwQ-32B on four A10G takes 0.93 GiB for its graphs (0.4.3), more than half of it for sums."""

    def graphs(version: str, gpu: str, limits: Limits, model: str, ranks: int) -> Bill:
        engine, loaded, kind = find_engine("sglang", version), load_model(model), gpus()[gpu]
        return engine.bill(loaded, engine.layout(loaded, kind, limits, tensor=ranks), [usual_site(kind)], 0.5)

    limits = Limits(memory_fraction=0.85, options={"cuda_graph_max_bs": 80, "chunked_prefill_size": 2048})
    qwq = graphs("0.4.3", "a10g", limits, "Qwen/QwQ-32B", 4).per_device[0].cuda_graph_bytes
    assert qwq / GIB == pytest.approx(0.93, abs=0.05)
    later = graphs("0.4.7", "a10g", limits, "Qwen/QwQ-32B", 4).per_device[0].cuda_graph_bytes
    joined = graphs("0.4.3", "a100-sxm4-80gb", limits, "Qwen/QwQ-32B", 4).per_device[0].cuda_graph_bytes
    assert later == joined == pytest.approx(qwq - 14 * 129 * 4 * 0.042 * MIB, rel=1e-6)  # graphs, sums, ranks


def test_a_past_that_is_compressed_takes_what_the_log_says_of_a_token() -> None:
    """DeepSeek-V4-Flash: bytes_per_full_token=15955.85 (0.5.12), 58.4 of them for a prediction layer unused."""
    found, layers = load_model("deepseek-ai/DeepSeek-V4-Flash"), []
    for version in ("0.5.12", "0.5.23"):
        engine = find_engine("sglang", version)
        layout = engine.layout(found, H100, Limits(), tensor=8)
        layers.append(pools.cell(found, layout, 0, H100, engine.rules).of_token(0.1))
    assert layers[0] == pytest.approx(15955.85 - 0.1 * 584, abs=0.01)
    assert layers[1] < layers[0] / 2


def test_a_drafter_takes_states_between_its_tokens_and_an_embedding_before_the_pool() -> None:
    """Qwen3.6-27B with EAGLE over its own layer, 0.5.17: 43 slots of states and 171,008 tokens."""
    options = {"speculative_algorithm": "EAGLE", "speculative_num_draft_tokens": 6, "mamba_ssm_dtype": "bfloat16"}
    limits = Limits(max_model_len=131072, max_num_seqs=4, memory_fraction=0.92, options=options)
    a100 = gpus()["a100-sxm4-80gb"]
    found = bill("Qwen/Qwen3.6-27B", limits, gpu=a100)
    assert found.logged["state_slots"] == pytest.approx(43, abs=1)
    assert found.kv_cache_tokens == pytest.approx(171008, rel=0.015)
    plain = limits.model_copy(update={"options": {"mamba_ssm_dtype": "bfloat16"}})
    assert bill("Qwen/Qwen3.6-27B", plain, gpu=a100).logged["state_slots"] > 2 * 43
    deepseek = Limits(max_model_len=8192, options={"speculative_algorithm": "EAGLE", "max_total_tokens": 8192})
    held = [
        bill("deepseek-ai/DeepSeek-V3", limits, tensor=16, gpu=gpus()["h200-sxm5-141gb"]).per_device[0].kv_cache_bytes
        for limits in (deepseek, deepseek.model_copy(update={"options": {"max_total_tokens": 8192}}))
    ]
    assert held[0] / held[1] == pytest.approx(62 / 61, rel=1e-3)


def test_a_drafter_of_keys_and_values_had_a_pool_of_all_layers_before_0_4_9_post6() -> None:
    """GLM-4.5-Air-FP8 on four H100s at 0.7 (zai-org/GLM-4.5#3, mended by sglang#8482)."""
    options = {"speculative_algorithm": "EAGLE", "speculative_num_draft_tokens": 4}
    loaded, limits = load_model("zai-org/GLM-4.5-Air-FP8"), Limits(memory_fraction=0.7, options=options)

    def of(version: str) -> Bill:
        engine = find_engine("sglang", version)
        return engine.bill(loaded, engine.layout(loaded, H100, limits, tensor=4), [usual_site(H100)])

    old, mended, counted = of("0.4.9.post5"), of("0.4.9.post6"), of("0.5.14")
    held = [found.per_device[0].kv_cache_bytes / found.kv_cache_tokens for found in (old, mended, counted)]
    assert held[0] / held[1] == pytest.approx(2 * 46 / 47)
    assert held[1] == pytest.approx(held[2], rel=1e-3)
    assert not old.fits
    assert mended.fits
    assert old.logged["free_after_weights_bytes"] > counted.logged["free_after_weights_bytes"]


def test_experts_were_held_twice_while_aiter_shuffled_them() -> None:
    """DeepSeek-R1 with attention data parallelism and `--enable-ep-moe` took 166.59 of 188 GB (sglang#7691)."""
    loaded, amd = load_model("deepseek-ai/DeepSeek-R1"), gpus()["mi300x"]
    held = {}
    for release in ("0.4.8", "0.4.8.post1", "0.4.9.post5"):
        engine = find_engine("sglang", release)
        layout = engine.layout(loaded, amd, Limits(), data=8, expert_parallel=True)
        held[release] = engine.bill(loaded, layout, [usual_site(amd)]).per_device[0].weights_bytes / GIB
    assert held["0.4.8.post1"] == pytest.approx(166.59, rel=0.02)
    assert held["0.4.8"] < 95
    assert held["0.4.9.post5"] < 95


def test_experts_were_held_twice_while_qwen3_listed_them_as_loaded() -> None:
    """Qwen3-235B-A22B-GPTQ-Int4 on two A100s ran out of memory (sglang#8362), the 30B on a 4090 (sglang#9872)."""
    loaded, a100 = load_model("Qwen/Qwen3-235B-A22B-GPTQ-Int4"), gpus()["a100-sxm4-80gb"]
    weights = {}
    for version in ("0.4.6", "0.4.6.post5", "0.4.9", "0.5.8", "0.5.9"):
        engine = find_engine("sglang", version)
        layout = engine.layout(loaded, a100, Limits(max_model_len=32768, enforce_eager=True), tensor=2)
        weights[version] = engine.bill(loaded, layout, [usual_site(a100)], 0.5).per_device[0].weights_bytes / GIB
    assert weights["0.4.6"] == weights["0.5.9"] == pytest.approx(58.3, abs=0.1)
    assert weights["0.4.6.post5"] == weights["0.4.9"] == weights["0.5.8"] == pytest.approx(113.7, abs=1)


def test_gemma_3_has_its_table_of_tokens_whole_on_every_rank() -> None:
    """Gemma-3-27B on four ranks takes 15.68 GiB each (sglang#6160), 2.6 of it the table."""
    found = bill("google/gemma-3-27b-it", Limits(max_model_len=8192), tensor=4).per_device[0].weights_bytes / GIB
    assert found == pytest.approx(15.68, rel=0.035)


def test_experts_of_awq_that_is_asked_for_by_name_take_sixteen_bits() -> None:
    """MiniMax-M2.5-AWQ on four A800s: 1.12 GiB lacked for one layer's gates at 77.39 GiB (sglang#21730)."""
    loaded, a800 = load_model("Qwen/Qwen3-30B-A3B-AWQ"), gpus()["a800-sxm4-80gb"]
    plain, named = (
        bill(loaded.name, Limits(max_model_len=8192, options=options), gpu=a800).per_device[0].weights_bytes / GIB
        for options in ({}, {"quantization": "awq"})
    )
    assert plain == pytest.approx(15.9, abs=0.3)
    assert named == pytest.approx(55.5, abs=1)


@pytest.mark.parametrize(("dtype", "size"), [(None, 2), ("float16", 2), ("bfloat16", 2), ("float32", 4)])
@pytest.mark.parametrize("name", ["bigcode/starcoder2-15b", "Qwen/Qwen3-8B"])
def test_weights_are_held_in_the_type_they_are_served_in(name: str, dtype: str | None, size: int) -> None:
    """StarCoder2's checkpoint is in float32, Qwen3's in bfloat16: 16 bits serve both (_get_and_verify_dtype)."""
    model, gpu = load_model(name), gpus()["h200-sxm5-141gb"]
    engine = find_engine("sglang")
    layout = engine.layout(model, gpu, Limits(max_model_len=4096, options={"dtype": dtype} if dtype else {}))
    (line,) = engine.bill(model, layout, [usual_site(gpu)]).per_device
    assert line.weights_bytes == pytest.approx(model.weight_bytes * size / model.dtype.size(1), rel=0.01)


@pytest.mark.parametrize(
    ("model", "version", "options", "apart"),
    [
        ("openai/gpt-oss-20b", "0.5.6", {}, False),
        ("openai/gpt-oss-20b", "0.5.8", {}, True),
        ("openai/gpt-oss-20b", "0.5.8", {"disable_hybrid_swa_memory": True}, False),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "0.5.6", {}, False),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", "0.5.6", {"hybrid_kvcache_ratio": 0.8}, True),
    ],
)
def test_windowed_layers_had_a_pool_of_their_own_only_from_0_5_8(
    model: str, version: str, options: dict[str, OptionValue], apart: bool
) -> None:
    """model_config.py: is_hybrid_model asks for Llama 4 and a ratio, is_hybrid_swa_model of 0.5.8 for neither."""
    engine, loaded = find_engine("sglang", version), load_model(model)
    layout = engine.layout(loaded, H100, Limits(max_model_len=32768, options=options), tensor=8)
    assert bool(engine.bill(loaded, layout, [usual_site(H100)]).logged["window_tokens"]) == apart


def test_only_deepseek_cloned_its_shared_expert() -> None:
    """determine_n_share_experts_fusion of 0.4.6; a rank of Scout holds an eighth of it, and 5 GiB of rotary table."""
    engine, loaded = find_engine("sglang", "0.4.6"), load_model("meta-llama/Llama-4-Scout-17B-16E-Instruct")
    layout = engine.layout(loaded, H100, Limits(max_model_len=32768), tensor=8)
    assert "cloned_shared_experts" not in layout.options
    weights = engine.bill(loaded, layout, [usual_site(H100)], 0.5).per_device[0].weights_bytes
    assert weights / GIB == pytest.approx(25.1 + 5, abs=0.5)


def test_transformers_4_multiplied_the_context_of_gemma_3() -> None:
    """Issue 12496 (0.5.4, two RTX 4090): the pool of 3 GiB did not fit beside a table of 2,048 x 1,048,580 tokens."""
    loaded, gpu = load_model("google/gemma-3-12b-it"), gpus()["rtx-4090"]
    for version, context, starts in (("0.5.4", 1_048_576, False), ("0.5.23", 131_072, True)):
        engine = find_engine("sglang", version)
        layout = engine.layout(loaded, gpu, Limits(memory_fraction=0.717, kv_cache_dtype="fp8_e5m2"), tensor=2)
        assert layout.max_model_len == context
        assert (engine.bill(loaded, layout, [usual_site(gpu)], 0.5).reasons == ()) == starts


STATEFUL = ["Qwen/Qwen3.5-9B", "nvidia/Nemotron-H-56B-Base-8K", "Qwen/Qwen3-Next-80B-A3B-Instruct"]
OTHERS = ["openai/gpt-oss-20b", "meta-llama/Llama-3.1-8B-Instruct", "deepseek-ai/DeepSeek-V4-Flash"]


@pytest.mark.parametrize("version", ["0.5.6", "0.5.10", "0.5.14", "0.5.23"])
@pytest.mark.parametrize("drafted", [{}, {"speculative_algorithm": "EAGLE"}])
@pytest.mark.parametrize("name", [*STATEFUL, *OTHERS])
def test_what_is_short_is_what_lets_one_sequence_in(name: str, drafted: dict, version: str) -> None:
    loaded, engine, context = load_model(name), find_engine("sglang", version), 4096
    limits = Limits(max_model_len=context, max_num_seqs=4, options=drafted)
    layout = engine.layout(loaded, H100, limits, tensor=2)
    needed = pools.needed_bytes(loaded, layout, 0, H100, context, engine.rules)

    def sequences(available: int) -> int:
        return _sequences(loaded, layout, pools.cut(loaded, layout, 0, H100, available, engine.rules), context)

    assert sequences(needed) == 1
    assert sequences(needed - MIB) == 0


def test_states_of_drafted_tokens_by_release() -> None:
    """Of every slot up to 0.5.6, of four requests before the share is cut up to 0.5.12, then out of the share."""
    options = {"speculative_algorithm": "EAGLE", "speculative_num_draft_tokens": 4}
    loaded, limits = load_model("Qwen/Qwen3-Next-80B-A3B-Instruct"), Limits(max_num_seqs=4, options=options)

    def of(version: str) -> Slots:
        engine = find_engine("sglang", version)
        layout = engine.layout(loaded, H100, limits, tensor=4)
        return slots_cut(loaded, layout, 40 * GIB, engine.rules.states)

    state = request_state(loaded, SGLANG.layout(loaded, H100, limits, tensor=4)).total
    budget = 40 * GIB * 0.9 / 1.9 / state
    assert of("0.5.6").slots == int(budget / 5)
    assert of("0.5.12").slots == int((40 * GIB / state - 16) * 0.9 / 1.9)
    assert of("0.5.14").slots == int(budget / (1 + 4 / 5))
    assert of("0.5.17").slots == int((budget - 5) / (1 + 4 / 5))
    assert of("0.5.12").between == of("0.5.14").between == 16 * state == of("0.5.17").between - 4 * state


def test_slots_that_let_no_request_in_are_named() -> None:
    """ "A server with 2 slots said so: state cache is too small to serve any requests (0.5.18, RTX 4090D)."""
    limits = Limits(max_model_len=8192, max_num_seqs=2, memory_fraction=0.8, enforce_eager=True)
    found = bill("Qwen/Qwen3.5-9B", limits, gpu=gpus()["rtx-4090"])
    assert "slots of recurrent states" in found.reasons[0]


def test_scales_of_an_fp8_latent_were_no_part_of_the_cut() -> None:
    """GLM-5-FP8 on 8 MI355X, 0.5.9: 3,262,823 tokens in 186.77 GB, and 4.02 GB left (fresh14-sgl-glm-5-fp8)."""
    gpu, limits = gpus()["mi355x"], Limits(memory_fraction=0.908, kv_cache_dtype="fp8_e4m3")
    model, site = load_model("zai-org/GLM-5-FP8"), replace(usual_site(gpus()["mi355x"]), free_bytes=int(283.62 * GIB))
    by_release = {}
    for version in ("0.5.9", "0.5.17"):
        engine = find_engine("sglang", version)
        found = engine.bill(model, engine.layout(model, gpu, limits, tensor=8), [site] * 8)
        by_release[version] = found.kv_cache_tokens, found.per_device[0].kv_cache_bytes / GIB
    assert by_release["0.5.9"] == pytest.approx((3_262_823, 186.77), rel=0.005)
    assert by_release["0.5.17"][1] == pytest.approx(by_release["0.5.17"][0] * 78 * (656 + 132) / GIB, rel=0.001)
    assert by_release["0.5.9"][0] / by_release["0.5.17"][0] == pytest.approx((656 + 132) / (576 + 132), rel=0.001)


def test_flash_attention_3_sets_outputs_of_all_splits_aside() -> None:
    """DeepSeek-V3 under attention data parallelism ran out of memory while graphs were captured (sglang#5634)."""
    sgl, h200 = find_engine("sglang", "0.4.5.post3"), gpus()["h200-sxm5-141gb"]
    model = load_model("deepseek-v3")

    def captured(batch: int, data: int, gpu=h200) -> int:
        limits = Limits(max_model_len=163840, options={"cuda_graph_max_bs": batch})
        layout = sgl.layout(model, gpu, limits, tensor=8 // data, data=data)
        return split_bytes(model, layout, gpu, batch, sgl.rules.graph_tables)

    assert captured(256, 8) == 57 * 256 * 128 * 512 * 4
    assert captured(256, 1) == 109 * 256 * 16 * 512 * 4
    assert captured(256, 8, gpus()["h20-sxm5-141gb"]) == 34 * 256 * 128 * 512 * 4
    assert not captured(256, 8, gpus()["b200-sxm-180gb"]), "no Hopper, no FlashAttention 3"
    limits = Limits(max_model_len=163840)
    layout = sgl.layout(model, h200, limits, tensor=1, data=8)
    found = sgl.bill(model, layout, [usual_site(h200)])
    assert not found.fits
    assert any("graphs" in reason for reason in found.reasons)
    smaller = sgl.layout(
        model, h200, limits.model_copy(update={"options": {"cuda_graph_max_bs": 160}}), tensor=1, data=8
    )
    assert sgl.bill(model, smaller, [usual_site(h200)]).fits, "as 0.4.6 made it"


@pytest.mark.parametrize(
    ("tiles", "keys", "count"), [(2, 2560, 57), (1, 2560, 109), (8, 64, 15), (120, 64, 1), (8, 4, 1)]
)
def test_splits_nearly_fill_the_gpu(tiles: int, keys: int, count: int) -> None:
    """num_splits_heuristic of FlashAttention 3 for 132 multiprocessors."""
    assert splits(tiles, keys, 132) == count


def test_0_5_17_keeps_a_pool_of_features_on_the_first_gpu() -> None:
    """Run fresh15-sgl-qwen3.8-27b-nvfp4-5090-0.90, which ran out as it captured; 0.5.18 sends them by the host."""
    model, gpu = load_model("nvidia/Qwen3.6-27B-NVFP4"), gpus()["rtx-5090"]

    def found(version: str, tensor: int = 1, **options: OptionValue) -> Bill:
        engine = find_engine("sglang", version)
        limits = Limits(max_num_seqs=1, memory_fraction=0.9, kv_cache_dtype="fp8_e4m3", options=options)
        return engine.bill(model, engine.layout(model, gpu, limits, tensor=tensor), [usual_site(gpu)])

    usual, pooled = found("0.5.18"), found("0.5.17")
    held = pooled.per_device[0].non_torch_bytes - usual.per_device[0].non_torch_bytes
    assert held == 1024 * MIB + GIB // 2
    assert not usual.reasons and pooled.reasons
    apart = found("0.5.17", mm_feature_transport="cpu")
    assert apart.per_device[0].non_torch_bytes == usual.per_device[0].non_torch_bytes
    first, second = found("0.5.17", tensor=2).per_device
    assert first.non_torch_bytes - second.non_torch_bytes == held
    asked = found("0.5.18", mm_feature_transport="cuda_ipc")
    assert usual.logged["available_kv_bytes"] - asked.logged["available_kv_bytes"] == 1024 * MIB


def test_deepep_keeps_buffers_for_prompts_and_for_decoding() -> None:
    """What DeepEP hints (csrc/config.hpp), by hand for DeepSeek-V3 on 8 ranks."""

    def outside_torch(**options: OptionValue) -> int:
        limits = Limits(max_model_len=8192, memory_fraction=0.8, options=options)
        found = bill("deepseek-v3", limits, gpu=gpus()["h200-sxm5-141gb"], tensor=8, expert_parallel=True)
        return found.per_device[0].non_torch_bytes

    usual = outside_torch()
    prompts = 10 * 8 * 256 * (2 * 7168 + 8 + 128 * (8 + 4 + 4))
    decoding = 4 * 256 * 128 * (2 * 7168 + 56 * 4)
    assert outside_torch(moe_a2a_backend="deepep") - usual == prompts + decoding
    assert outside_torch(moe_a2a_backend="deepep", deepep_mode="normal") - usual == prompts
    few = {"moe_a2a_backend": "deepep", "deepep_mode": "low_latency", "ep_num_redundant_experts": 32}
    held = outside_torch(SGLANG_DEEPEP_NUM_MAX_DISPATCH_TOKENS_PER_RANK=64, **few) - usual
    assert held == decoding // 2 // 8 * 9
