"""The profile refuses what vLLM refuses, and nothing that vLLM builds."""

from typing import Any

import pytest

from planner.engines import find_engine
from planner.engines.vllm import ENGINE
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits, OptionValue
from planner.models.source import load_model
from tests.engines.vllm.recorded import Case, recorded

H100 = gpus()["h100-sxm5-80gb"]
_NO_REFUSAL = ("KV cache", "WorkspaceManager")
"""Errors of another kind: memory, and a part of the worker that the recording leaves out."""


def _refusals(case: Case) -> list[str] | None:
    model = case.read()
    return None if model is None else ENGINE.refusals(model, case.ours(model), H100)


def test_nothing_that_vllm_builds_is_refused() -> None:
    wrong = {str(case): reasons for case in recorded() if case.refused is None and (reasons := _refusals(case))}
    assert wrong == {}


def test_what_vllm_refuses_is_refused() -> None:
    cases = [case for case in recorded() if case.refused and not any(word in case.refused for word in _NO_REFUSAL)]
    missed = {str(case): case.refused for case in cases if _refusals(case) == []}
    assert len(cases) > 100
    assert missed == {}


@pytest.mark.parametrize("words", ["attention heads", "Pipeline parallelism is not supported"])
def test_the_errors_are_in_the_record(words: str) -> None:
    assert any(words in (case.refused or "") for case in recorded())


@pytest.mark.parametrize(
    ("model", "gpu", "kv", "version", "said"),
    [
        # ValueError: FP8 KV cache is not supported by the Triton attention backend on Tesla T4 (compute capability 7.5)
        ("Qwen/Qwen3-8B", "t4", "fp8", None, "an FP8 KV cache is not supported"),
        ("Qwen/Qwen3-8B", "t4", "fp8", "0.10.0", None),
        ("Qwen/Qwen3-8B", "a100-sxm4-80gb", "fp8", None, None),
        # ValueError: FP8 KV cache is not supported by the Triton MLA backend on A100 SXM4 40GB (compute capability 8.0)
        ("deepseek-ai/DeepSeek-V2-Lite", "a100-sxm4-80gb", "fp8", None, "the Triton MLA backend"),
        ("deepseek-ai/DeepSeek-V2-Lite", "l40s", "fp8", None, None),
        # Unknown quantization method: bitsandbytes. Must be one of ['awq', 'auto_awq', 'fp8', ...
        ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "h100-sxm5-80gb", None, None, "needs the plugin vllm-bnb-plugin"),
        ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "h100-sxm5-80gb", None, "0.27.1", None),
        # Marlin does not support weight_bits = uint4b8. Only types = [] are supported (utils/marlin_utils.py)
        ("qwen3-8b-GPTQ-Int4", "v100-sxm2-32gb", None, None, "gptq needs compute capability 7.5"),
        # until 0.21 the kernels of gptq.py (get_min_capability: 60) took what Marlin did not
        ("qwen3-8b-GPTQ-Int4", "v100-sxm2-32gb", None, "0.22.0", "gptq needs compute capability 7.5"),
        ("qwen3-8b-GPTQ-Int4", "v100-sxm2-32gb", None, "0.21.0", None),
        # layers/attention/attention.py: fp8_e5m2 kv-cache is not supported with fp8 checkpoints.
        ("Qwen/Qwen3-32B-FP8", "h100-sxm5-80gb", "fp8_e5m2", None, "an fp8_e5m2 KV cache is not supported with fp8"),
        ("Qwen/Qwen3-32B-FP8", "h100-sxm5-80gb", "fp8_e4m3", None, None),
        ("qwen3-8b-quantized.w4a16", "h100-sxm5-80gb", "fp8_e5m2", None, None),
        # No valid attention backend found for cuda with AttentionSelectorConfig(head_size=576, ..fp8_e5m2, use_mla=True
        ("deepseek-ai/DeepSeek-V2-Lite", "h100-sxm5-80gb", "fp8_e5m2", None, "has no backend for latent attention"),
        ("deepseek-ai/DeepSeek-V2-Lite", "mi300x", "fp8_e5m2", None, None),
        # config/vllm.py: kv_cache_dtype="bfloat16" is incompatible with dtype="float16".
        ("bigscience/bloom-1b1", "rtx-6000-ada", "bfloat16", None, "a bfloat16 KV cache is incompatible with float16"),
        ("openai-community/gpt2", "v100-sxm2-32gb", "bfloat16", None, "incompatible with float16: use auto or float16"),
        ("EleutherAI/gpt-neox-20b", "mi325x", "bfloat16", None, "a bfloat16 KV cache is incompatible with float16"),
        ("Qwen/Qwen3-8B", "h100-sxm5-80gb", "bfloat16", None, None),
        # Quantization scheme is not supported for the current GPU. Min capability: 75. Current capability: 70.
        (
            "mistral-7b-v0.1-FP8-dynamic",
            "v100-sxm2-32gb",
            None,
            None,
            "compressed-tensors needs compute capability 7.5",
        ),
        ("mistral-7b-v0.1-FP8-dynamic", "t4", None, None, None),
        ("llama-3.1-8b:Q4_K_M", "h100-sxm5-80gb", None, None, "needs the plugin vllm-gguf-plugin"),
        ("llama-3.1-8b:Q4_K_M", "h100-sxm5-80gb", None, "0.19.0", None),
    ],
)
def test_formats_that_a_release_takes(
    model: str, gpu: str, kv: str | None, version: str | None, said: str | None
) -> None:
    engine, card, loaded = find_engine("vllm", version), gpus()[gpu], load_model(model)
    found = engine.refusals(loaded, engine.layout(loaded, card, Limits(max_model_len=4096, kv_cache_dtype=kv)), card)
    assert any(said in reason for reason in found) if said else found == []


@pytest.mark.parametrize(
    ("model", "group"), [("qwen3-0.6b-AWQ", 128), ("qwen3-0.6b-GPTQ-Int4", 128), ("qwen2.5-72b-instruct-NVFP4", 16)]
)
@pytest.mark.parametrize(("tensor", "cut"), [(8, False), (16, True)])
def test_quantization_groups_stay_whole(model: str, group: int, tensor: int, cut: bool) -> None:
    """auto_awq.py: "The input size is not aligned with the quantized weight shape. This can be caused by too large
    tensor parallel size."; MarlinLinearKernel: "in_features per partition 192 is not divisible by group_size = 128.";
    modelopt.py (KNvfp4Static): "Unsupported model when in features size is not multiple of 16", of 1,848 inputs a rank.
    """
    loaded = load_model(model)
    found = ENGINE.refusals(loaded, ENGINE.layout(loaded, H100, Limits(max_model_len=4096), tensor=tensor), H100)
    assert any(f"inputs on a rank are no whole groups of {group}" in said for said in found) == cut


@pytest.mark.parametrize(
    ("model", "said"),
    [
        # MarlinLinearKernel: in_features per partition 2880 is not divisible by group_size = 128.
        ("openai/gpt-oss-20b-GPTQ-Int4", "self_attn.q_proj: 2880 inputs on a rank are no whole groups of 128"),
        ("zai-org/GLM-4.5-Air-AWQ", "mlp.down_proj: 10944 inputs on a rank are no whole groups of 128"),
        ("qwen3-8b-GPTQ-Int4", None),
    ],
)
@pytest.mark.parametrize("engine", ["vllm", "sglang", "trtllm"])
def test_a_width_that_no_group_divides_is_refused_uncut(engine: str, model: str, said: str | None) -> None:
    profile, loaded = find_engine(engine), load_model(model)
    found = profile.refusals(loaded, profile.layout(loaded, H100, Limits(max_model_len=4096)), H100)
    assert any(said in reason for reason in found) if said else found == []


@pytest.mark.parametrize(("tokens", "said"), [(2048, True), (4096, False), (None, False)])
def test_prompts_that_are_not_chunked_fit_a_step(tokens: int | None, said: bool) -> None:
    """config/scheduler.py: max_num_batched_tokens (2048) is smaller than max_model_len (4096)."""
    loaded, whole = load_model("qwen3-8b"), {"enable_chunked_prefill": False}
    limits = Limits(max_model_len=4096, max_num_batched_tokens=tokens, options=whole)
    found = ENGINE.refusals(loaded, ENGINE.layout(loaded, H100, limits), H100)
    assert any("prompts are not chunked" in reason for reason in found) == said


@pytest.mark.parametrize(
    ("model", "options", "said"),
    [
        # Assertion failed, Chunked prefill is required for Mamba prefix caching.
        ("ai21labs/Jamba-v0.1", {"enable_chunked_prefill": False}, "required for Mamba prefix caching"),
        ("ai21labs/Jamba-v0.1", {"enable_chunked_prefill": False, "enable_prefix_caching": False}, None),
        # torch.float16 is not supported for quantization method gpt_oss_mxfp4. Supported dtypes: [torch.bfloat16]
        ("openai/gpt-oss-20b", {"dtype": "float16"}, "float16 is not supported for mxfp4"),
        # LoRA is not supported for BloomForCausalLM
        ("bigscience/bloom-1b1", {"enable_lora": True}, "LoRA is not supported for BloomForCausalLM"),
        ("qwen3-8b", {"enable_lora": True}, None),
    ],
)
def test_options_that_a_model_does_not_take(model: str, options: dict[str, OptionValue], said: str | None) -> None:
    loaded = load_model(model)
    layout = ENGINE.layout(loaded, H100, Limits(max_model_len=1024, options=options), tensor=2)
    found = ENGINE.refusals(loaded, layout, H100)
    assert any(said in reason for reason in found) if said else found == []


@pytest.mark.parametrize(("tensor", "cut"), [(4, False), (8, True)])
def test_groups_of_experts_are_halved_as_far_as_kernels_go(tensor: int, cut: bool) -> None:
    """moe_wna16.py: `assert group_size >= 32`; 1,408 / 4 are eleven groups of 32, 1,408 / 8 no whole ones."""
    loaded = load_model("Qwen/Qwen1.5-MoE-A2.7B-GPTQ-Int4")
    found = ENGINE.refusals(loaded, ENGINE.layout(loaded, H100, Limits(max_model_len=4096), tensor=tensor), H100)
    assert any("no whole groups of 128, nor of 32" in reason for reason in found) == cut


def test_prequantized_bitsandbytes_is_not_cut() -> None:
    """bitsandbytes_loader.py: "Prequant BitsAndBytes models with tensor parallelism is not supported. Please try with
    pipeline parallelism."
    """
    engine, loaded = find_engine("vllm", "0.27.1"), load_model("unsloth/Meta-Llama-3.1-8B-bnb-4bit")
    layout = engine.layout(loaded, H100, Limits(max_model_len=4096), tensor=2)
    assert any("use pipeline parallelism" in reason for reason in engine.refusals(loaded, layout, H100))


@pytest.mark.parametrize(
    ("model", "gpu", "said"),
    [
        ("deepseek-ai/DeepSeek-V3.2", "l40s", "no kernel for compute capability 8.9"),
        ("deepseek-ai/DeepSeek-V3.2", "h200-sxm5-141gb", None),
        ("deepseek-ai/DeepSeek-V3", "l40s", None),
        ("unsloth/Meta-Llama-3.1-8B-bnb-4bit", "mi300x", "bitsandbytes is not supported on AMD GPUs"),
    ],
)
def test_what_a_gpu_has_no_kernel_for(model: str, gpu: str, said: str | None) -> None:
    """platforms/rocm.py; supports_compute_capability of the sparse MLA backends."""
    card, loaded = gpus()[gpu], load_model(model)
    found = ENGINE.refusals(loaded, ENGINE.layout(loaded, card, Limits(max_model_len=4096), tensor=8), card)
    assert any(said in reason for reason in found) if said else found == []


def test_stages_begin_behind_the_layers_that_the_tower_feeds() -> None:
    """AssertionError: start_layer should be greater than or equal to len(deepstack_visual_indexes)."""
    for name in ("Qwen/Qwen3-VL-8B-Instruct", "Qwen/Qwen3-VL-30B-A3B-Instruct"):
        model = load_model(name)
        even = ENGINE.layout(model, H100, Limits(max_model_len=4096), pipeline=2)
        for first, said in ((2, True), (3, False)):
            layout = even.model_copy(update={"layers_per_stage": (first, len(model.layers) - first)})
            assert any("start_layer" in reason for reason in ENGINE.refusals(model, layout, H100)) is said
        assert not ENGINE.refusals(model, ENGINE.layout(model, H100, Limits(max_model_len=4096)), H100)


def test_experts_that_vllm_does_not_count_are_not_shared_out() -> None:
    """Number of experts in the model must be greater than 0 when expert parallelism is enabled. (seed 20161)"""
    engine, gpu = find_engine("vllm"), gpus()["h100-sxm5-80gb"]
    for name, refused in (("databricks/dbrx-instruct", True), ("mistralai/Mixtral-8x7B-Instruct-v0.1", False)):
        model = load_model(name)
        layout = engine.layout(model, gpu, Limits(max_model_len=4096), tensor=8, expert_parallel=True)
        said = [reason for reason in engine.refusals(model, layout, gpu) if "number of experts" in reason]
        assert bool(said) == refused


@pytest.mark.parametrize(
    ("version", "limits", "said"),
    [
        ("0.7.2", {}, False),
        ("0.7.3", {}, True),
        ("0.8.3", {}, True),
        ("0.8.3", {"max_model_len": 65536}, False),
        ("0.8.3", {"max_num_seqs": 32}, False),
        ("0.8.3", {"options": {"limit_mm_per_prompt": '{"image": 2}'}}, False),
        ("0.8.4", {}, False),
    ],
)
def test_the_encoder_prompt_was_padded_beyond_the_image(version: str, limits: dict[str, Any], said: bool) -> None:
    """Issue 13929: mllama.py, "assert actual_len >= last_group_len", of 6,404 tokens of an image and 8,192 of text."""
    engine, loaded, a10 = (
        find_engine("vllm", version),
        load_model("meta-llama/Llama-3.2-11B-Vision-Instruct"),
        gpus()["a10"],
    )
    asked = {"max_num_seqs": 16} | limits
    asked["options"] = {"VLLM_USE_V1": "0"} | asked.get("options", {})
    found = engine.refusals(loaded, engine.layout(loaded, a10, Limits.parse(asked), tensor=4), a10)
    assert any("padded to" in reason for reason in found) == said
