"""Names as people write them, and names that must not be taken for another model's."""

from pathlib import Path

import pytest
import yaml

from planner.errors import UnknownName
from planner.models.model_catalogue import catalogue, resolve
from planner.models.source import load_model

RESOLVED = {
    "llama-3.1-8b": "meta-llama/Meta-Llama-3.1-8B",
    "Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "meta-llama/Meta-Llama-3.1-8B-Instruct": "meta-llama/Meta-Llama-3.1-8B",
    "llama3.1:8b": "meta-llama/Meta-Llama-3.1-8B",
    "NousResearch/Hermes-3-Llama-3.1-8B": "meta-llama/Meta-Llama-3.1-8B",
    "Llama-3-70B": "meta-llama/Meta-Llama-3-70B",
    "meta-llama/Llama-2-7b-chat": "meta-llama/Llama-2-7b-hf",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "mistralai/Mixtral-8x7B-v0.1",
    "Mixtral-8x22B": "mistralai/Mixtral-8x22B-v0.1",
    "Mistral-7B-v0.3": "mistralai/Mistral-7B-Instruct-v0.3",
    "DeepSeek-V3-0324": "deepseek-ai/DeepSeek-V3",
    "deepseek-ai/DeepSeek-V4-Flash-0731": "deepseek-ai/DeepSeek-V4-Flash",
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": "meta-llama/Meta-Llama-3.1-8B",
    "Qwen2.5-1.5B": "Qwen/Qwen2.5-1.5B-Instruct",
    "Qwen/Qwen2.5-Coder-32B-Instruct": "Qwen/Qwen2.5-32B-Instruct",
    "QwQ-32B-Preview": "Qwen/QwQ-32B",
    "gemma-2-27b": "google/gemma-2-27b-it",
    "THUDM/GLM-Z1-32B-0414": "zai-org/GLM-4-32B-0414",
    "deepseek-r1:70b": "deepseek-ai/DeepSeek-R1-Distill-Llama-70B",
    "qwen3-30b": "Qwen/Qwen3-30B-A3B",
    "nemotron-nano-9b-v2": "nvidia/NVIDIA-Nemotron-Nano-9B-v2",
    "phi3:mini": "microsoft/Phi-3-mini-4k-instruct",
    "command-r": "CohereLabs/c4ai-command-r-v01",
    "Nemotron_3_Super": "nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8",
}


@pytest.mark.parametrize(("name", "base"), RESOLVED.items())
def test_names_as_people_write_them(name: str, base: str) -> None:
    entry = resolve(name)
    assert entry.file == catalogue()[base]


@pytest.mark.parametrize(
    "name",
    [
        "Llama-3-18B",
        "Qwen2-1.4B",
        "Qwen3-1.5B",
        "Mixtral-8x8B",
        "c4ai-command-r-03-2025",
        "yuhuili/EAGLE3-LLaMA3.1-Instruct-8B",
        "nvidia/Llama-3.1-Minitron-4B-Width-Base",
        "Llama-3_1-Nemotron-51B-Instruct",
        "Mistral-Small-2409-22B-draft",
        "DeepSeek",
    ],
)
def test_another_size_or_generation_is_unknown(name: str) -> None:
    with pytest.raises(UnknownName):
        resolve(name)


def test_what_was_assumed_is_said() -> None:
    (note,) = resolve("NousResearch/Hermes-3-Llama-3.1-8B").notes
    assert "meta-llama/Meta-Llama-3.1-8B" in note and "same shapes" in note
    assert resolve("meta-llama/Llama-3.2-1B").notes == ()


def test_fields_that_differ_are_changed() -> None:
    model = load_model("Qwen/Qwen3-235B-A22B-Instruct-2507")
    assert model.max_context == 262144
    assert any("max_position_embeddings = 262144" in note for note in model.assumptions)
    assert load_model("Qwen/Qwen3.6-27B").quantization is None


PUBLISHED = yaml.safe_load((Path(__file__).parent / "published_totals.yaml").read_text())


@pytest.mark.parametrize(("model", "total"), PUBLISHED.items())
def test_published_totals(model: str, total: int) -> None:
    assert load_model(model).total_params == total


def test_a_name_of_the_catalogue_comes_before_what_its_ending_says() -> None:
    """sgl-project/DeepSeek-V4-Flash-FP8: its experts too are stored in eight bits, a byte a parameter."""
    model = load_model("sgl-project/DeepSeek-V4-Flash-FP8")
    assert model.weight_bytes == pytest.approx(model.total_params, rel=0.01)


def test_autoround_leaves_towers_in_sixteen_bits() -> None:
    """It quantizes the decoder's blocks (4,304 inputs of the tower are no multiple of its groups of 128)."""
    model = load_model("Qwen/Qwen3-VL-8B-Instruct-AutoRound")
    (tower,) = [part for part in model.components if part.counted]
    assert tower.bytes == 2 * tower.params
    assert model.weight_bytes < model.total_params
