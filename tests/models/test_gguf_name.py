"""Names of GGUF files, as llama.cpp's users write them."""

import pytest

from planner.models.gguf_name import gguf_name
from planner.models.source import load_model


@pytest.mark.parametrize(
    ("text", "base", "stored"),
    [
        ("llama-3.1-8b:Q4_K_M", "llama-3.1-8b", "Q4_K_M"),
        ("unsloth/Qwen3-30B-A3B-GGUF:UD-Q4_K_XL", "Qwen3-30B-A3B", "UD-Q4_K_XL"),
        ("models/Qwen3-235B-A22B-Q6_K-00001-of-00004.gguf", "Qwen3-235B-A22B", "Q6_K"),
        ("ggml-org/gpt-oss-20b-GGUF", "gpt-oss-20b", "Q4_K_M"),
        ("google/gemma-3-27b-it-qat-q4_0-gguf", "gemma-3-27b-it-qat", "q4_0"),
        ("Qwen3.6-27B-MTP-IQ4_XS-PURE.gguf", "Qwen3.6-27B-MTP", "IQ4_XS-PURE"),
        ("llama3.1:70b-instruct-q4_K_M", "llama3.1:70b-instruct", "q4_K_M"),
    ],
)
def test_the_base_model_and_the_type_are_read(text: str, base: str, stored: str) -> None:
    found = gguf_name(text)
    assert found is not None and (found.base, found.type) == (base, stored)


@pytest.mark.parametrize("text", ["hf:org/name", "llama:latest", "model.gguf", "Qwen3-8B"])
def test_other_names_are_left_alone(text: str) -> None:
    assert gguf_name(text) is None


def test_a_file_of_llama_has_its_published_size() -> None:
    """Meta-Llama-3.1-8B-Instruct-Q4_K_M: llama.cpp logs `file size = 4.58 GiB (4.89 BPW)`."""
    model = load_model("llama-3.1-8b:Q4_K_M")
    assert model.weight_bytes == pytest.approx(4.58 * 2**30, rel=0.002)
    assert model.weight_bytes * 8 / model.total_params == pytest.approx(4.89, abs=0.005)


def test_a_pure_file_has_one_type() -> None:
    """Qwen3.6-27B-MTP-IQ4_XS-PURE.gguf is 13.5 GiB (club-5060ti, issue 2), 0.21 of them the layer that drafts."""
    pure, mixed = (load_model(f"Qwen3.6-27B:{words}") for words in ("IQ4_XS-pure", "IQ4_XS"))
    stored = {t.dtype.name for layer in pure.layers for t in layer.tensors if t.matmul} - {"float32"}
    assert {name.upper() for name in stored} == {"IQ4_XS"}
    assert (
        pure.weight_bytes == pytest.approx((13.5 - 0.21) * 2**30, rel=0.004) and mixed.weight_bytes > pure.weight_bytes
    )
