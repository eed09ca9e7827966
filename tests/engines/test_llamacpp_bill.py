"""llama.cpp: figures that its own start-up logs show."""

from dataclasses import replace

import pytest

from planner.engines import find_engine
from planner.engines.llamacpp.build import build_of
from planner.engines.llamacpp.cache import streams_of
from planner.engines.llamacpp.options import read_options
from planner.engines.llamacpp.placement import place, staged
from planner.fleet.gpu_catalogue import find_gpu
from planner.fleet.site import usual_site
from planner.layout import Limits, OptionValue
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.models.quantization.gguf import as_gguf
from planner.models.source import load_model
from planner.units import GIB, MIB


def _bill(
    model: Model, devices: int = 1, context: int = 8192, build: str | None = None, **options: OptionValue
) -> Bill:
    engine, (gpu, _) = find_engine("llamacpp", build), find_gpu("rtx-4090")
    limits = Limits(max_model_len=context, max_num_seqs=1, options=options)
    layout = engine.layout(model, gpu, limits, pipeline=devices)
    assert not engine.refusals(model, layout, gpu)
    return engine.bill(model, layout, [usual_site(gpu)])


def test_the_buffers_of_a_llama_of_eight_billion() -> None:
    """llama.cpp logs `CUDA0 model buffer size = 4403.49 MiB` and `CPU_Mapped ... 281.81 MiB` for its Q4_K_M file."""
    bill = _bill(as_gguf(load_model("llama-3.1-8b"), "Q4_K_M"))
    assert bill.per_device[0].weights_bytes / MIB == pytest.approx(4403.49, abs=0.005)
    assert bill.logged["host_weights_bytes"] / MIB == pytest.approx(281.81, abs=0.005)
    assert bill.per_device[0].kv_cache_bytes == 1024 * MIB


def test_cache_types_take_their_blocks() -> None:
    """A quantized cache of Qwen3-235B logs 799 MiB each for keys and values of 16384 tokens (q8_0)."""
    model = load_model("Qwen3-235B-A22B")
    bill = _bill(model, context=16384, cache_type_k="q8_0", cache_type_v="q8_0")
    assert bill.per_device[0].kv_cache_bytes == 2 * 799 * MIB


def test_weights_of_the_host_were_not_copied_for_large_batches_before_march_2024() -> None:
    """b2408 has a compute buffer of 324 MiB for CodeLlama-34B with 16 of 49 layers on a device (issue 6031)."""
    model = as_gguf(load_model("codellama/CodeLlama-34b-hf"), "Q5_K_M")
    before, after = (
        _bill(model, context=2048, build=build, gpu_layers=16).per_device[0].activation_bytes / MIB
        for build in ("b2408", "b2450")
    )
    assert before == pytest.approx(324, rel=0.02)
    assert after > before + 100


def test_keys_and_values_of_a_latent_have_types_of_their_own_where_both_are_kept() -> None:
    """b5276 ran DeepSeek-R1 with keys in q4_0 alone (issue 13305); b7900 keeps no values beside the latent (19067)."""
    model = as_gguf(load_model("deepseek-ai/DeepSeek-R1"), "Q2_K")
    types: dict[str, OptionValue] = {"cache_type_k": "q4_0", "flash_attn": "off", "gpu_layers": 0}
    gpu, _ = find_gpu("rtx-3090")
    for build, agree in (("b5276", False), ("b7900", True)):
        engine = find_engine("llamacpp", build)
        layout = engine.layout(model, gpu, Limits(max_model_len=16384, options=types))
        assert any("must agree" in reason for reason in engine.refusals(model, layout, gpu)) == agree


def test_files_from_before_the_latent_cache_keep_every_head() -> None:
    """b5572 wants 4,480 MiB for seven layers of DeepSeek-V3 at 8,192 tokens: heads of 192 and 128 in 16 bits."""
    model = as_gguf(load_model("deepseek-ai/DeepSeek-V3"), "Q2_K")
    latent, whole = (_bill(model, context=8192, build="b5572", gpu_layers=7, mla_use=mode) for mode in (1, 0))
    assert whole.per_device[0].kv_cache_bytes == 4480 * MIB
    assert latent.per_device[0].kv_cache_bytes < 200 * MIB


def test_experts_in_host_memory_leave_the_device() -> None:
    model = as_gguf(load_model("Qwen3-30B-A3B"), "Q4_K_M")
    whole, none = _bill(model), _bill(model, cpu_moe=True)
    half = _bill(model, n_cpu_moe=24)
    sizes = [bill.per_device[0].weights_bytes for bill in (none, half, whole)]
    assert sizes == sorted(sizes)
    for bill in (whole, half, none):
        both = bill.per_device[0].weights_bytes + bill.logged["host_weights_bytes"]
        assert both == pytest.approx(model.weight_bytes, rel=1e-3)


def test_slots_are_handed_out_by_cumulative_share() -> None:
    """3:1 over 32 layers and the output is 25 and 7, the output with the last (llama-server over RPC says the same)."""
    placement = place(32, 33, [3.0, 1.0])
    assert [len(placement.layers_of(device)) for device in (0, 1)] == [25, 7]
    assert placement.output == 1
    assert staged(32, (25, 7), None) == placement


def test_what_does_not_fit_names_the_device_and_the_lack() -> None:
    bill = _bill(as_gguf(load_model("llama-3.3-70b"), "Q4_K_M"))
    assert not bill.fits
    assert "device 0" in bill.reasons[0] and bill.short_bytes > 0


def test_indexers_cache_their_keys() -> None:
    """GLM-5.2 logs 3937.50 MiB of indexer keys (21 layers) beside 65812.50 of latents for 768,000 cells."""
    model = as_gguf(load_model("GLM-5.2"), "Q4_K_M")
    assert _bill(model, context=768_000).per_device[0].kv_cache_bytes == (65812.5 + 3937.5) * MIB
    assert _bill(model, context=768_000, build="b9400").per_device[0].kv_cache_bytes == 65812.5 * MIB


@pytest.mark.parametrize(
    ("model", "options", "stages", "said"),
    [
        ("qwen3-8b", {}, (18, 17), "the devices hold 35 of 36 blocks, and all layers would put 36 there"),
        ("qwen3-8b", {"gpu_layers": 20}, (10, 9), None),
        ("qwen3-8b", {"gpu_layers": 20}, (18, 18), "--gpu-layers 20 would put 19 there"),
        # the file of MiMo has its prediction layer as a block more (nextn_predict_layers)
        ("XiaomiMiMo/MiMo-7B-Base", {}, (18, 18), "the devices hold 36 of 37 blocks"),
    ],
)
def test_stages_hold_what_is_offloaded(
    model: str, options: dict[str, OptionValue], stages: tuple[int, ...], said: str | None
) -> None:
    engine, loaded, (gpu, _) = find_engine("llamacpp"), load_model(model), find_gpu("rtx-4090")
    layout = engine.layout(loaded, gpu, Limits(max_model_len=4096, options=options), pipeline=2)
    found = engine.refusals(loaded, layout.model_copy(update={"layers_per_stage": stages}), gpu)
    assert any(said in reason for reason in found) if said else found == []
    assert engine.refusals(loaded, layout, gpu) == []


def test_a_split_has_fewer_parts_than_the_library_has_devices() -> None:
    """common/arg.cpp: got 16 input configs, but system only has 16 devices."""
    engine, loaded, (gpu, _) = find_engine("llamacpp"), load_model("qwen3-8b"), find_gpu("rtx-4090")
    for devices, said in ((15, []), (16, ["--tensor-split: got 16 input configs, but system only has 16 devices"])):
        assert engine.refusals(loaded, engine.layout(loaded, gpu, Limits(), pipeline=devices), gpu) == said


def test_drafted_tokens_keep_snapshots_of_states() -> None:
    """Qwen3.6-27B with `--spec-draft-n-max 2` logs 448.88 MiB of states for one slot, three times what it has."""
    model, cache = load_model("Qwen3.6-27B"), 512 * MIB
    plain, drafted = _bill(model), _bill(model, spec_type="draft-mtp", spec_draft_n_max=2)
    assert plain.per_device[0].kv_cache_bytes - cache == pytest.approx(149.62 * MIB, rel=1e-4)
    second = 32 * MIB  # the cache of the layer that drafts: 8,192 tokens of 4,096 bytes
    assert drafted.per_device[0].kv_cache_bytes - cache - second == pytest.approx(448.88 * MIB, rel=1e-4)


@pytest.mark.parametrize(("ubatch", "logged"), [(2048, 552.06 - 32), (512, 130.02)])
def test_layers_that_draft_have_a_context_of_their_own(ubatch: int, logged: float) -> None:
    """[spec] estimated memory usage of MTP context is 552.06 MiB, 32 of them the cache (b9849, Vulkan, Qwen3.8-27B)."""
    model = as_gguf(load_model("Qwen3.6-27B"), "Q4_K_M")
    plain, drafted = (
        _bill(model, build="b9849", ubatch_size=ubatch, cache_type_k="q8_0", **options)
        for options in ({}, {"spec_type": "draft-mtp", "spec_draft_n_max": 2})
    )
    more = drafted.per_device[0].activation_bytes - plain.per_device[0].activation_bytes
    assert more / MIB == pytest.approx(logged, rel=0.05)


@pytest.mark.parametrize(("words", "more"), [("Q6_K", 373), ("Q4_K_M", 309)])
def test_layers_that_draft_have_weights(words: str, more: float) -> None:
    """What drafting with Qwen3.8-27B takes beside cache and compute, with all that is small (qwen38-mtp, pull 13)."""
    model = as_gguf(load_model("Qwen3.6-27B"), words)
    plain, drafted = _bill(model), _bill(model, spec_type="draft-mtp")
    weights = (drafted.per_device[0].weights_bytes - plain.per_device[0].weights_bytes) / MIB
    assert 0.8 * more < weights < more


@pytest.mark.parametrize(("build", "fits"), [("b10068", True), ("b6800", False)])
def test_devices_take_turns_where_copies_find_no_room(build: str, fits: bool) -> None:
    """sched_reserve: compute buffer allocation failed, retrying without pipeline parallelism (pull request 16748)."""
    model, engine = as_gguf(load_model("llama-3.1-8b"), "Q8_0"), find_engine("llamacpp", build)
    gpu, _ = find_gpu("rtx-4090")
    options: dict[str, OptionValue] = {"ubatch_size": 2048}
    layout = engine.layout(model, gpu, Limits(max_model_len=65536, max_num_seqs=1, options=options), pipeline=2)
    plain = engine.bill(model, layout, [usual_site(gpu)])
    tight = replace(gpu, memory_gib=(max(d.total_bytes for d in plain.per_device) - 100 * MIB) / GIB)
    assert (not engine.bill(model, layout, [usual_site(tight)]).reasons) == fits


def test_the_cache_of_drafting_has_a_type_of_its_own() -> None:
    """262,144 tokens of one layer of Qwen3.6-27B: 544 MiB with `--spec-draft-type-k q8_0` and -v (issue 23472)."""
    model = as_gguf(load_model("Qwen3.6-27B"), "Q4_K_M")
    types = {"spec_draft_type_k": "q8_0", "spec_draft_type_v": "q8_0"}
    wide, narrow = (
        _bill(model, context=262144, spec_type="draft-mtp", **options).per_device[0].kv_cache_bytes
        for options in ({}, types)
    )
    assert (wide - narrow) / MIB == 1024 - 544


@pytest.mark.parametrize(("build", "more"), [("b9460", True), ("b9420", False)])
def test_fused_attention_has_room_for_the_cache_in_16_bits(build: str, more: bool) -> None:
    """Qwen3.6-27B asks an RTX 5060 Ti for 251.53 MiB at 35,072 tokens in q8_0, 137 of them copies at most."""
    model, caches = as_gguf(load_model("Qwen3.6-27B"), "IQ4_XS"), {"cache_type_k": "q8_0", "cache_type_v": "q8_0"}
    bills = [_bill(model, context=35072, build=build, **options) for options in (caches, {})]
    buffers = [bill.per_device[0].activation_bytes / MIB for bill in bills]
    assert (buffers[0] - buffers[1] > 30) == more
    if more:
        assert buffers[0] == pytest.approx(251.53, rel=0.11)


def test_elsewhere_the_context_that_drafts_caches_all_layers() -> None:
    """LongCat-Flash-Lite's cache of 2,088 MiB is there twice; GLM-4.5-Air has no filter either."""
    model = load_model("zai-org/GLM-4.5-Air")
    plain, drafted = _bill(model), _bill(model, spec_type="draft-mtp", cache_type_k="q8_0", cache_type_v="q8_0")
    assert drafted.per_device[0].kv_cache_bytes / plain.per_device[0].kv_cache_bytes == pytest.approx(1 + 34 / 64)


def test_operations_on_host_weights_copy_them_to_the_device() -> None:
    """Falcon3-1B (Q6_K) with no layer on the device logs 470.00 MiB there: logits of a batch, the head."""
    model = as_gguf(load_model("Falcon3-1B-Base"), "Q6_K")
    bill = _bill(model, gpu_layers=0, build="b4351", flash_attn="off")
    assert bill.per_device[0].activation_bytes / MIB == pytest.approx(470.0, rel=0.01)


@pytest.mark.parametrize(("build", "tensors"), [("b2665", 3), ("b2700", 1)])
def test_experts_drawn_one_by_one_keep_all_their_copies(build: str, tensors: int) -> None:
    """DBRX in Q4_0 with 8 of 40 layers on an RTX 4070 Ti SUPER runs out of memory in April 2024 (ollama 3711)."""
    model = as_gguf(load_model("databricks/dbrx-instruct"), "Q4_0")
    options: dict[str, OptionValue] = {"gpu_layers": 8, "flash_attn": "off", "kv_unified": False}
    buffer = _bill(model, context=2048, build=build, **options).per_device[0].activation_bytes
    experts = 16 * 10752 * 6144 * 18 // 32
    assert tensors * experts < buffer < (tensors + 1) * experts


def test_kernels_that_are_loaded_at_the_start_count() -> None:
    """An RTX 5060 Ti that holds 34,816 tokens of Qwen3.6-27B holds 25,344 with CUDA_MODULE_LOADING=EAGER (ctxprobe)."""
    model = as_gguf(load_model("Qwen3.6-27B"), "IQ4_XS")
    plain, eager = (
        _bill(model, context=context, cache_type_k="q8_0", cache_type_v="q8_0", **options).per_device[0].total_bytes
        for context, options in ((34816, {}), (25344, {"cuda_module_loading": "EAGER"}))
    )
    assert eager == pytest.approx(plain, abs=10 * MIB)


@pytest.mark.parametrize(
    ("name", "file", "logged"),
    [("Qwen3.6-27B", "mmproj-BF16.gguf", 887.99), ("Qwen/Qwen3-VL-30B-A3B-Instruct", "mmproj-F16.gguf", 1033.29)],
)
def test_a_projector_goes_to_the_first_device(name: str, file: str, logged: float) -> None:
    """load_hparams: model size, and alloc_compute_meta: CUDA0 compute buffer size = 248.10 MiB (1472 x 1472)."""
    model = as_gguf(load_model(name), "Q4_K_M")
    plain, seeing, aside = (
        _bill(model, **options).per_device[0]
        for options in ({}, {"mmproj": file}, {"mmproj": file, "mmproj_offload": False})
    )
    more = (seeing.non_torch_bytes - plain.non_torch_bytes) / MIB
    assert more == pytest.approx(logged + 248.10, abs=7)
    assert (seeing.weights_bytes, aside) == (plain.weights_bytes, plain)


def test_a_second_file_that_drafts_counts() -> None:
    """Qwen2.5-Coder-0.5B in IQ4_XS: ROCm0 model buffer size = 327.57 MiB (issue 11337); 384 of cache."""
    model = as_gguf(load_model("Qwen/Qwen2.5-32B-Instruct"), "Q4_K_S")
    bills = [
        _bill(model, context=32768, build="b4408", cache_type_k="q8_0", cache_type_v="q8_0", flash_attn="on", **options)
        for options in (
            {},
            {"spec_draft_model": "Qwen2.5-Coder-0.5B-Instruct-IQ4_XS.gguf"},
            {"spec_draft_model": "a.gguf"},
        )
    ]
    plain, drafted, unknown = (bill.per_device[0] for bill in bills)
    more = (drafted.total_bytes - plain.total_bytes) / MIB
    assert more == pytest.approx(327.57 + 384 + 299, abs=10)
    assert (unknown, drafted.weights_bytes) == (plain, plain.weights_bytes)


def test_servers_reserve_logits_for_their_slots_other_programs_for_every_token() -> None:
    """llama-completion logs 312.75 MiB for Qwen3-8B; 296.75 of them are logits of 512 tokens."""
    model = as_gguf(load_model("Qwen3-8B"), "Q4_K_M")
    server, completion = _bill(model, context=2048), _bill(model, context=2048, n_outputs_max=0)
    assert completion.per_device[0].activation_bytes / MIB == pytest.approx(312.75, rel=0.03)
    assert server.per_device[0].activation_bytes / MIB < 100


def test_experts_with_gate_and_up_in_one_tensor_were_not_moved_before_b8301() -> None:
    """Qwen3.5-397B in Q4_K_S with -cmoe: "allocating 144817.04 MiB on device 0" (llama.cpp#20431, mended by #20416)."""
    model = as_gguf(load_model("Qwen/Qwen3.5-397B-A17B"), "Q4_K_S")

    def held(build: str, **options: OptionValue) -> float:
        return _bill(model, build=build, cpu_moe=True, **options).per_device[0].weights_bytes / MIB

    assert held("b8284", fused_experts=True) == pytest.approx(144817.04, rel=0.01)
    assert held("b8301", fused_experts=True) == held("b8284") == pytest.approx(6500, rel=0.2)


def test_the_fork_copies_experts_from_the_host_from_so_many_tokens_on() -> None:
    """GLM-4.5-Air, up of experts on the host: 626.19 MiB on the first card where it would be 195.5 without the copy."""
    model = as_gguf(load_model("GLM-4.5-Air"), "IQ4_XS")
    options = {"override_tensor": "ffn_up_(exps|shexp)=CPU", "cache_type_k": "q8_0", "cache_type_v": "q8_0"}

    def computed(**more: OptionValue) -> float:
        bill = _bill(model, 1, 64000, "ik_llama.cpp", **options, **more)
        return bill.per_device[0].activation_bytes / MIB

    assert computed() - computed(op_offload=False) > 200
    assert computed(ubatch_size=256) == computed(ubatch_size=256, op_offload=False)


def test_attention_was_not_fused_by_default_before_b6325() -> None:
    """QwQ-32B on five MI50 in March 2025 logs a compute buffer of 2664 MiB on each for 32,768 tokens, without `-fa`.

    Its host buffer of 74.01 MiB holds one mask: micro-batches are not overlapped there.
    """
    model = as_gguf(load_model("QwQ-32B"), "Q4_K_M")
    plain = _bill(model, 5, 32_768, "b4880", pipeline_copies=1)
    assert plain.per_device[1].activation_bytes / MIB == pytest.approx(2664, rel=0.005)
    asked = _bill(model, 5, 32_768, "b4880", flash_attn="on", pipeline_copies=1)
    assert asked.per_device[1].activation_bytes < plain.per_device[1].activation_bytes / 8
    later = _bill(model, 5, 32_768, "b6325", pipeline_copies=1)
    assert later.per_device[1].activation_bytes < plain.per_device[1].activation_bytes / 8


def test_slots_share_one_stream_before_streams_were_the_default() -> None:
    """A slot has a stream of its own from August 2025 on; before, and in the fork, scores go over the whole cache."""
    options = read_options({})
    assert streams_of(10, options, build_of("b5636")) == 1
    assert streams_of(10, options, build_of("ik_llama.cpp")) == 1
    assert streams_of(10, options, build_of("b6500")) == 10
    assert streams_of(10, read_options({"kv_unified": True}), build_of("b6500")) == 1


def test_contexts_are_rounded_up_as_each_build_does_it() -> None:
    """Runs fresh17-llcpp-mistral-large-iq3xs-3090-39 (b3488: 8,196 tokens are 8,224) and others before and after it."""
    model = load_model("llama-3.1-8b")
    for build, flash, tokens in (
        ("b1600", "on", 8196),
        ("b2000", "on", 8224),
        ("b2800", "off", 8448),
        ("b3488", "off", 8224),
        ("b3488", "on", 8448),
        ("b6900", "off", 8196),
        ("b7000", "off", 8448),
    ):
        bill = _bill(model, context=8196, build=build, flash_attn=flash)
        assert bill.kv_cache_tokens == tokens, (build, flash)
