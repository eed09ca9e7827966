"""Contexts that a checkpoint or a launch stretches."""

import pytest

from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits
from planner.models.source import load_model

YARN = '{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}'


@pytest.mark.parametrize(
    ("length", "options", "refused"),
    [
        (40960, {}, False),
        (131072, {}, True),
        (131072, {"hf_overrides": f'{{"rope_parameters": {YARN}}}'}, False),
        (131073, {"hf_overrides": f'{{"text_config": {{"rope_parameters": {YARN}}}}}'}, True),
        (131072, {"rope_scaling": YARN}, False),
        (81920, {"rope_scaling": '{"rope_type": "linear", "factor": 2.0}'}, False),
        (81920, {"rope_scaling": '{"rope_type": "llama3", "factor": 2.0}'}, True),
    ],
)
def test_yarn_multiplies_what_it_was_trained_with(length: int, options: dict[str, str], refused: bool) -> None:
    engine, model, gpu = of_version("0.27.1"), load_model("Qwen/Qwen3-8B"), gpus()["h100-sxm5-80gb"]
    layout = engine.layout(model, gpu, Limits.parse({"max_model_len": length, "options": options}))
    assert any("above" in why for why in engine.refusals(model, layout, gpu)) is refused


@pytest.mark.parametrize(
    ("name", "longest"),
    [
        ("deepseek-ai/deepseek-coder-33b-base", 65536),
        ("internlm/internlm2-20b", 65536),
        ("google/gemma-3-27b-it", 131072),
        ("deepseek-ai/DeepSeek-V3", 163840),
    ],
)
def test_rope_of_the_checkpoint_stretches_its_positions(name: str, longest: int) -> None:
    """DeepSeek-Coder: `max seq len (65536)` of 0.4.0 without a length given; its config has 16,384 positions."""
    engine, model, gpu = of_version("0.33.0"), load_model(name), gpus()["h200-sxm5-141gb"]
    assert engine.layout(model, gpu, Limits()).max_model_len == longest
    for length, above in ((longest, False), (longest + 1, True)):
        layout = engine.layout(model, gpu, Limits(max_model_len=length))
        assert any("above" in why for why in engine.refusals(model, layout, gpu)) is above
