"""`--quantization` as engines understand it."""

import pytest

from planner.errors import BadInput
from planner.models.quantization.wished import as_wished
from planner.models.source import load_model

LLAMA = "meta-llama/Meta-Llama-3.1-8B"


def test_fp8_while_loading_keeps_table_and_head_in_16_bits() -> None:
    """vLLM logs 8.46 GiB for Llama 3.1 8B with `--quantization fp8`."""
    held = as_wished(load_model(LLAMA), "fp8", "vllm")
    assert held.quantization == "fp8"
    assert held.weight_bytes / 2**30 == pytest.approx(8.46, abs=0.01)


def test_bitsandbytes_is_a_little_over_four_bits() -> None:
    plain = load_model(LLAMA)
    layers = plain.total_params - plain.embedding_params - plain.lm_head_params
    held = as_wished(plain, "bitsandbytes", "vllm")
    assert (held.weight_bytes - 2 * (plain.total_params - layers)) * 8 / layers == pytest.approx(4.127, abs=0.01)


def test_a_checkpoint_in_the_scheme_stays_as_it_is() -> None:
    model = load_model("deepseek-ai/DeepSeek-V3")
    assert as_wished(model, "fp8", "vllm") is model
    assert as_wished(model, None, "vllm") is model


def test_a_scheme_that_cannot_be_made_is_said() -> None:
    with pytest.raises(BadInput, match="as deepseek-ai/DeepSeek-V3 is stored"):
        as_wished(load_model("deepseek-ai/DeepSeek-V3"), "awq", "vllm")
    with pytest.raises(BadInput, match="a scheme such as"):
        as_wished(load_model(LLAMA), "magic", "vllm")
    assert any("awq" in note for note in as_wished(load_model(LLAMA), "awq", "vllm").assumptions)
