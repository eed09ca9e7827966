"""Weights a rank, as vLLM 0.33's own model classes report them when built without memory."""

import pytest

from planner.engines.vllm import ENGINE, stage_weights
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits
from planner.models.source import load_model

RECORDED = [
    ("meta-llama/Meta-Llama-3.1-8B", 2, 0, 8_030_527_488),
    ("meta-llama/Meta-Llama-3.1-8B", 16, 0, 1_037_836_288),
]


@pytest.mark.parametrize(("name", "tensor", "stage", "expected"), RECORDED)
def test_weights_of_a_rank(name: str, tensor: int, stage: int, expected: int) -> None:
    model = load_model(name)
    layout = ENGINE.layout(model, gpus()["h100-sxm5-80gb"], Limits(), tensor=tensor)
    assert stage_weights(model, layout, stage) == expected
