"""Quantized checkpoints weigh what their publishers say."""

import pytest

from planner.models.source import load_model
from planner.models.tensor import Kind

SCALES = {
    "Qwen/Qwen3-30B-A3B-FP8": 1_824_768,
    "Qwen/Qwen3-235B-A22B-FP8": 14_269_952,
    "Qwen/Qwen3-32B-FP8": 1_904_640,
    "MiniMaxAI/MiniMax-M2.5": 13_880_064,
    "deepseek-ai/DeepSeek-V3": 40_838_232,
}
"""Elements of the scales in the published safetensors, as the hub counts them."""

TOTAL_BYTES = {"openai/gpt-oss-120b": 65_248_815_744, "openai/gpt-oss-20b": 13_761_264_768}
"""`total_size` of the published model.safetensors.index.json."""

GIGABYTES = {
    "TheBloke/Llama-2-7B-AWQ": 3.89,
    "TheBloke/Llama-2-13B-AWQ": 7.25,
    "TheBloke/Llama-2-70B-AWQ": 36.61,
    "TheBloke/Mistral-7B-v0.1-AWQ": 4.15,
    "TheBloke/Mixtral-8x7B-Instruct-v0.1-AWQ": 24.65,
    "TheBloke/Llama-2-7B-GPTQ": 3.90,
    "TheBloke/Llama-2-13B-GPTQ": 7.26,
    "Qwen/Qwen2.5-7B-Instruct-AWQ": 5.57,
    "Qwen/Qwen2.5-7B-Instruct-GPTQ-Int4": 5.58,
    "neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8": 9.08,
    "unsloth/Meta-Llama-3.1-8B-bnb-4bit": 5.70,
}
"""Sizes that the model cards state, in 10^9 bytes."""


@pytest.mark.parametrize(("name", "elements"), SCALES.items())
def test_scales_of_published_checkpoints(name: str, elements: int) -> None:
    model = load_model(name)
    assert model.sum(lambda tensor: tensor.elements if tensor.kind is Kind.SCALE else 0) == elements


@pytest.mark.parametrize(("name", "size"), TOTAL_BYTES.items())
def test_total_size_of_the_index(name: str, size: int) -> None:
    assert load_model(name).weight_bytes == pytest.approx(size, rel=1e-4)


def test_deepseek_v3_with_its_prediction_layer() -> None:
    """`total_size` 688,586,727,753."""
    stored = load_model("deepseek-ai/DeepSeek-V3").sum(lambda tensor: tensor.bytes, uncounted=True)
    assert stored == pytest.approx(688_586_727_753, rel=1e-4)


@pytest.mark.parametrize(("name", "gigabytes"), GIGABYTES.items())
def test_sizes_of_model_cards(name: str, gigabytes: float) -> None:
    assert load_model(name).weight_bytes / 1e9 == pytest.approx(gigabytes, rel=0.005)


def test_quantization_changes_no_parameter() -> None:
    for name in ("Qwen3-14B-AWQ", "Qwen3-14B-FP8", "Qwen3-14B-GPTQ-Int8", "RedHatAI/Qwen3-14B-quantized.w8a8"):
        assert load_model(name).total_params == load_model("Qwen3-14B").total_params


def test_mixed_checkpoint_keeps_attention_in_16_bits() -> None:
    model = load_model("nvidia/GLM-5.1-NVFP4")
    types = {t.name: t.dtype.name for t in model.layers[40].tensors if t.matmul}
    assert types["mlp.experts.*.gate_proj.weight"] == "float4_e2m1"
    assert types["self_attn.kv_b_proj.weight"] == "bfloat16"


def test_repackaging_says_what_it_assumes() -> None:
    model = load_model("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic")
    assert model.quantization == "compressed-tensors"
    assert any("fp8 channel" in note for note in model.assumptions)
    assert load_model("unsloth/DeepSeek-V3-bf16").quantization is None
