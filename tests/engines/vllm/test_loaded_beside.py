"""What a GPU holds of weights beside the checkpoint's: rotary tables, repeated scales, ends of segments (fresh14)."""

from pathlib import Path

import pytest

from planner.backtest.recorded_model import recorded_model
from planner.engines.vllm.allocator import EXPANDABLE
from planner.engines.vllm.profile import of_version
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.units import GIB


def _weights(version: str, name: str, gpu: str, tensor: int = 1, **limits: object) -> float:
    engine, model, site = of_version(version), recorded_model(name, None, Path()), usual_site(gpus()[gpu])
    layout = engine.layout(model, site.gpu, Limits.parse({"max_model_len": 4096, **limits}), tensor=tensor)
    return engine.bill(model, layout, [site] * tensor).per_device[0].weights_bytes / GIB


@pytest.mark.parametrize(
    ("version", "name", "gpu", "tensor", "logged"),
    [
        ("0.20.0", "Qwen/Qwen3.5-9B", "rtx-5090", 1, 17.66),
        ("0.20.0", "Qwen/Qwen3.5-9B", "rtx-5090", 2, 8.91),
        ("0.20.2", "Qwen/Qwen3.6-27B", "rtx-pro-6000-bw-workstation", 1, 51.08),
        ("0.19.1", "nvidia/Gemma-4-31B-IT-NVFP4", "rtx-pro-6000-bw-workstation", 1, 31.04),
    ],
)
def test_tables_of_positions_in_time_and_of_whole_heads(
    version: str, name: str, gpu: str, tensor: int, logged: float
) -> None:
    assert _weights(version, name, gpu, tensor) == pytest.approx(logged, abs=0.02)


def test_scales_of_blocks_are_repeated_where_the_card_cannot_multiply_fp8() -> None:
    assert _weights("0.19.0", "Qwen/Qwen3.5-35B-A3B-FP8", "a100-pcie-80gb") == pytest.approx(34.71, abs=0.02)
    assert _weights("0.19.0", "Qwen/Qwen3.5-35B-A3B-FP8", "l40s") < 34.3


def test_expandable_segments_have_no_ends() -> None:
    plain, expandable = (
        _weights("0.26.0", "Qwen/Qwen3.6-27B-FP8", "rtx-5090", 2, options=options) for options in ({}, EXPANDABLE)
    )
    assert expandable == pytest.approx(14.28, abs=0.01)
    assert plain - expandable == pytest.approx(0.235, abs=0.01)


def test_two_tables_of_deepseek_v4_in_32_bits() -> None:
    found = _weights("0.31.1", "deepseek-ai/DeepSeek-V4-Flash", "h100-sxm5-80gb", 8)
    assert found == pytest.approx(19.79, abs=0.2)
