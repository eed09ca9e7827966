"""Weights that are converted while they are loaded need room in 16 bits first."""

import pytest

from planner.engines import find_engine
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.quantization.on_load import quantized_on_load
from planner.models.source import load_model


@pytest.mark.parametrize(
    ("name", "gpu", "release", "breaks"),
    [
        # "OOM during weight loading on H20 (141GB) in v0.13.0, but works in v0.12.0" (issue 31273)
        ("Qwen/Qwen2.5-72B-Instruct", "h20-sxm5-141gb", "0.12.0", False),
        ("Qwen/Qwen2.5-72B-Instruct", "h20-sxm5-141gb", "0.13.0", True),
        # "Can start on a single 80GB GPU with BF16, but fail to start with online FP8 ... 0.13.0 and 0.14.0 are"
        # affected (pull request 32773)
        ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", "0.12.0", False),
        ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", "0.14.0", True),
        ("Qwen/Qwen3-30B-A3B", "h100-sxm5-80gb", "0.16.0", False),
        # 16 bits of 32 billion weights are more than the card, eight are not: with one layer at a time they load
        ("Qwen/Qwen3-32B", "a40", "0.12.0", True),
        ("Qwen/Qwen3-32B", "a40", "0.33.0", False),
    ],
)
def test_the_peak_of_loading_is_that_of_the_release(name: str, gpu: str, release: str, breaks: bool) -> None:
    engine, site = find_engine("vllm", release), usual_site(gpus()[gpu])
    model = quantized_on_load(load_model(name), "fp8", "vllm")
    assert model is not None
    layout = engine.layout(model, site.gpu, Limits(max_model_len=4096, options={"quantization": "fp8"}))
    reasons = [reason for reason in engine.bill(model, layout, [site]).reasons if "while they are converted" in reason]
    assert bool(reasons) == breaks


def test_a_checkpoint_in_eight_bits_is_not_converted() -> None:
    engine, site = find_engine("vllm", "0.12.0"), usual_site(gpus()["a40"])
    model = load_model("Qwen/Qwen3-32B-FP8")
    layout = engine.layout(model, site.gpu, Limits(max_model_len=4096, options={"quantization": "fp8"}))
    assert not any("converted" in reason for reason in engine.bill(model, layout, [site]).reasons)


def test_sleep_mode_keeps_what_was_loaded_until_experts_are_swizzled() -> None:
    """Issue 34877: gpt-oss-120b starts on one H100 NVL without sleep mode, and runs out of memory with it (0.16)."""
    engine, site = find_engine("vllm", "0.16.0"), usual_site(gpus()["h100-nvl-94gb"])
    model = load_model("openai/gpt-oss-120b")
    asked = {"max_model_len": 8192, "max_num_seqs": 2, "memory_fraction": 0.85, "enforce_eager": True}
    awake, asleep = (
        engine.bill(model, engine.layout(model, site.gpu, Limits(options=options, **asked)), [site])
        for options in ({}, {"enable_sleep_mode": True})
    )
    assert awake.fits
    assert "while they are converted" in " ".join(asleep.reasons)
