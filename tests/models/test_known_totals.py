"""Parameter totals that are published, hit to the last one."""

import pytest

from planner.models.config_json import Config
from planner.models.configured import model_from_config
from planner.models.inspect import inspect
from planner.models.source import load_model
from planner.models.tensor import Kind

TOTALS = {
    "meta-llama/Meta-Llama-3.1-8B": 8_030_261_248,
    "meta-llama/Meta-Llama-3.1-70B": 70_553_706_496,
    "meta-llama/Meta-Llama-3.1-405B": 405_853_388_800,
    "mistralai/Mixtral-8x7B-v0.1": 46_702_792_704,
    "Qwen/Qwen3-32B": 32_762_123_264,
    "deepseek-ai/DeepSeek-V3": 671_026_404_352,
}


@pytest.mark.parametrize(("model", "total"), TOTALS.items())
def test_total_parameters(model: str, total: int) -> None:
    assert inspect(model)["total_params"] == total


@pytest.mark.parametrize(
    ("model", "billions"), [("mistralai/Mixtral-8x7B-v0.1", 12.88), ("deepseek-ai/DeepSeek-V3", 37.55)]
)
def test_active_parameters(model: str, billions: float) -> None:
    assert round(inspect(model)["active_params"] / 1e9, 2) == billions


def test_deepseek_prediction_layer_is_counted_apart() -> None:
    part = inspect("deepseek-ai/DeepSeek-V3")["components"]["multi_token_prediction"]
    assert not part["counted"] and part["params"] > 11e9


def test_deepseek_v4_holds_what_the_hub_counts() -> None:
    """290,944,616,402 elements published for V4-Flash: a prediction layer and buffers beside the model."""
    model = load_model("deepseek-ai/DeepSeek-V4-Flash")
    stored = model.sum(lambda tensor: tensor.elements if tensor.kind is not Kind.SCALE else 0, uncounted=True)
    assert model.total_params == 284_332_230_231
    assert stored == 290_944_616_402


def test_mla_caches_one_latent_a_token() -> None:
    (group,) = inspect("deepseek-ai/DeepSeek-V3")["kv_cache"]["groups"]
    assert (group["kind"], group["layers"], group["elements_per_token"]) == ("mla", 61, 576)


@pytest.mark.parametrize("model_type", ["qwen2_5_omni", "qwen3_omni_moe"])
def test_of_a_model_that_speaks_the_thinker_is_read(model_type: str) -> None:
    whole = model_from_config(Config({"model_type": model_type}), "whole")
    thinker = model_from_config(Config({"model_type": f"{model_type}_thinker"}), "thinker")
    assert whole.total_params == thinker.total_params
    assert [t.name for t in whole.tensors()] == [f"thinker.{t.name}" for t in thinker.tensors()]
    assert any("talker and vocoder" in note for note in whole.assumptions)
