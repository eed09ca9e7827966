"""Unknown families: known ones under another name come out the same, and what was assumed is said."""

import json
from pathlib import Path

import pytest

from planner.data_files import data_path
from planner.errors import BadInput
from planner.models.source import load_model

ALIKE = (
    "meta-llama/Meta-Llama-3.1-8B", "Qwen/Qwen3-30B-A3B", "deepseek-ai/DeepSeek-V3", "01-ai/Yi-34B",
)  # fmt: skip
OTHERS = ("ai21labs/AI21-Jamba-Mini-1.5", "ai21labs/Jamba-v0.1", "Qwen/Qwen3-Next-80B-A3B-Instruct")


def renamed(model: str, folder: Path, **fields: object) -> Path:
    file = data_path("specs", "models", f"{model.replace('/', '--')}.json")
    config = json.loads(file.read_text()) | {"model_type": "unheard_of"} | fields
    config.pop("quantization_config", None)
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


@pytest.mark.parametrize("model", ALIKE)
def test_a_plain_family_under_another_name_is_the_same(tmp_path: Path, model: str) -> None:
    extra = {"use_qk_norm": True} if "Qwen3" in model else {}
    found, base = load_model(renamed(model, tmp_path, **extra)), load_model(model)
    assert found.total_params == base.total_params
    assert found.active_params == base.active_params
    assert found.cache_groups == base.cache_groups
    assert any("model_type 'unheard_of' is not known" in note for note in found.assumptions)


def test_unread_fields_that_may_change_a_number_are_named(tmp_path: Path) -> None:
    path = renamed("meta-llama/Meta-Llama-3.1-8B", tmp_path, extra_low_rank=64, attention_dropout=0.1)
    notes = " ".join(load_model(path).assumptions)
    assert "may change a number: " in notes
    assert "extra_low_rank" in notes
    assert "dropout" not in notes


@pytest.mark.parametrize("model", OTHERS)
def test_other_kinds_of_layers_are_one_clear_error(tmp_path: Path, model: str) -> None:
    with pytest.raises(BadInput, match="model_type: is 'unheard_of'; expected a known architecture: its "):
        load_model(renamed(model, tmp_path))


def test_missing_dimensions_are_named(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "unheard_of", "hidden_size": 64}))
    with pytest.raises(BadInput, match="num_attention_heads: is missing"):
        load_model(path)


def test_the_decoder_of_an_unknown_composite_is_read(tmp_path: Path) -> None:
    text = json.loads(data_path("specs", "models", "Qwen--Qwen3-0.6B.json").read_text())
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"model_type": "unheard_of", "text_config": text, "vision_config": {"depth": 3}}))
    found = load_model(path)
    assert found.total_params == load_model("Qwen/Qwen3-0.6B").total_params
    assert any("vision_config not counted" in note for note in found.assumptions)
