"""Formats that a run names and no checkpoint at hand says."""

import pytest

from planner.models.quantization.stored_as import format_family, holds, stored_as
from planner.models.source import load_model


@pytest.mark.parametrize(
    ("words", "family"),
    [("int4_awq", "int4"), ("fp8 (checkpoint)", "fp8"), ("fp8_block", "fp8"), ("modelopt (nvfp4)", "nvfp4"),
     ("FP4", "nvfp4"), ("mxfp4 (w4)", "mxfp4"), ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "fp8"),
     ("redhatai/Llama-3.3-70B-Instruct-quantized.w8a8", "int8"), ("gptq_marlin", "int4"),
     ("gptq int8", "int8"), ("W8A16 GPTQ", "int8"), ("auto_round", "int4"),
     ("compressed-tensors", None), ("none", None), ("BF16", None), ("Mixed (FP16/BF16)", None), (None, None)],
)  # fmt: skip
def test_families(words: str | None, family: str | None) -> None:
    assert format_family(words) == family


def test_awq_engine_of_qwen2_5_7b() -> None:
    """5,306 MB at the peak of the build (run trt-l4-7b): embedding and head stay in 16 bits."""
    model = stored_as(load_model("Qwen2.5-7B-Instruct"), "int4_awq")
    assert model.weight_bytes / 2**20 == pytest.approx(5306, rel=0.005)


def test_fp8_checkpoint_of_llama_8b() -> None:
    """`Rank 0 uses 8.46 GB for model weights` (run trt-6294)."""
    model = stored_as(load_model("meta-llama/Llama-3.1-8B-Instruct"), "fp8")
    assert model.weight_bytes / 2**30 == pytest.approx(8.46, abs=0.01)


def test_nvfp4_takes_four_and_a_half_bits_and_leaves_the_head() -> None:
    plain = load_model("meta-llama/Llama-3.3-70B-Instruct")
    stored = stored_as(plain, "nvfp4")
    outer = plain.embedding_params + plain.lm_head_params
    expected = (plain.total_params - outer) * 4.5 / 8 + outer * 2
    assert stored.weight_bytes == pytest.approx(expected, rel=0.001)
    assert stored.total_params == plain.total_params


def test_a_checkpoint_keeps_its_own_format_unless_another_is_named() -> None:
    deepseek = load_model("deepseek-ai/DeepSeek-V3")
    assert holds(deepseek, "fp8_block")
    assert not holds(deepseek, "nvfp4")
    assert holds(load_model("openai/gpt-oss-120b"), "fp4")
    assert not holds(load_model("moonshotai/Kimi-K2.5"), "nvfp4")


def test_a_wider_format_than_the_checkpoint_has_is_not_that_of_its_weights() -> None:
    assert holds(load_model("openai/gpt-oss-120b"), "FP8")
    assert holds(load_model("moonshotai/Kimi-K2.5"), "fp8")


def test_deepseek_v4_has_four_bit_experts_beside_fp8() -> None:
    """`expert_dtype: fp4`: half a byte a weight, one exponent byte for 32."""
    model = load_model("deepseek-ai/DeepSeek-V4-Flash")
    rest = model.total_params - model.expert_params
    assert model.weight_bytes == pytest.approx(model.expert_params * (0.5 + 1 / 32) + rest * 1.15, rel=0.02)


def test_fbgemm_leaves_attention_and_both_ends_alone() -> None:
    """Meta-Llama-3.1-405B-Instruct-FP8: 57.75 GiB on each of eight GPUs (vllm issue 6746), 1 of them doubled keys."""
    model = stored_as(load_model("meta-llama/Meta-Llama-3.1-405B"), "fbgemm_fp8")
    assert model.weight_bytes / 8 / 2**30 == pytest.approx(57.75 - 1, rel=0.005)


def test_groups_of_quantized_weights() -> None:
    """Groups of 32 take four times the scales and zeros of groups of 128: a 16-bit scale and a 4-bit zero for each."""
    gemma = load_model("google/gemma-3-27b-it")
    fine, usual = (stored_as(gemma, words).weight_bytes for words in ("awq, groups of 32", "awq"))
    quantized = sum(t.elements for layer in gemma.layers for t in layer.tensors if t.matmul)
    assert fine - usual == pytest.approx(quantized * 2.5 * (1 / 32 - 1 / 128), rel=0.001)
    assert stored_as(gemma, "awq, groups of 128").weight_bytes == usual


_FOUR_BITS = ("AWQ", "int4_awq", "gptq_marlin", "int4", "w4a8")


def test_four_bits_are_named_as_engines_know_their_kernels() -> None:
    """vLLM's AWQ multiplication keeps partial sums in releases before 0.3, its four bits of other methods do not."""
    model = load_model("qwen2.5-7b-instruct")
    named = {words: stored_as(model, words).quantization for words in _FOUR_BITS}
    assert named == {"AWQ": "awq", "int4_awq": "awq", "gptq_marlin": "gptq", "int4": "int4", "w4a8": "int4"}
