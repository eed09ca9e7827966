"""Sizes that CUDA graphs are captured for, as start-up logs show them."""

import pytest

from planner.engines.vllm.captured_sizes import captured
from planner.engines.vllm.profile import of_version
from planner.engines.vllm.release import rules_of
from planner.fleet.gpu_catalogue import gpus
from planner.layout import Limits
from planner.models.source import load_model


@pytest.mark.parametrize(
    ("version", "model", "gpu", "limits", "pieces", "whole"),
    [
        # Capturing CUDA graphs (mixed prefill-decode, PIECEWISE) 67/67; (decode, FULL) 0/35: QwenLM/Qwen3-VL issue 1684
        ("0.11.0", "Qwen/Qwen3-VL-235B-A22B-Instruct", "a100-sxm4-80gb", {"max_num_seqs": 256}, 67, 35),
        # PIECEWISE=51 (largest=512), FULL=35 (largest=256): LMCache issue 3430
        ("0.21.0", "Qwen/Qwen3-8B", "rtx-4090", {}, 51, 35),
        # 51 and 51 with 1,024 sequences, 83 of gpt-oss: runs of llm-d-planner on H100
        ("0.19.0", "Qwen/Qwen3-8B", "h100-sxm5-80gb", {}, 51, 51),
        ("0.19.0", "openai/gpt-oss-20b", "h100-sxm5-80gb", {}, 83, 83),
        # 67 sizes however few sequences run (config.py of 0.8.5, _set_cudagraph_sizes)
        ("0.8.5", "Qwen/Qwen3-8B", "a10", {"max_num_seqs": 1}, 67, 0),
        # 35 of v0: Capturing CUDA graph shapes 35/35
        ("0.7.3", "Qwen/Qwen2.5-7B-Instruct", "a10", {}, 0, 35),
        ("0.2.4", "Qwen/Qwen2.5-7B-Instruct", "a10", {}, 0, 0),
        # PIECEWISE=16 (largest=16): gpustack/runner pull 251 captures what it is told to
        ("0.28.0", "Qwen/Qwen3-8B", "a10", {"options": {"cudagraph_capture_sizes": "1,2,4,8,16"}}, 5, 5),
        ("0.28.0", "Qwen/Qwen3-8B", "a10", {"options": {"compilation_config": '{"cudagraph_mode": "NONE"}'}}, 0, 0),
        (
            "0.28.0",
            "Qwen/Qwen3-8B",
            "a10",
            {"options": {"compilation_config": '{"cudagraph_mode": "PIECEWISE"}'}},
            51,
            0,
        ),
        ("0.28.0", "Qwen/Qwen3-8B", "a10", {"options": {"max_cudagraph_capture_size": 16}}, 5, 5),
        ("0.33.0", "Qwen/Qwen3-8B", "a10", {"enforce_eager": True}, 0, 0),
    ],
)
def test_sizes(version: str, model: str, gpu: str, limits: dict[str, object], pieces: int, whole: int) -> None:
    engine, loaded, kind = of_version(version), load_model(model), gpus()[gpu]
    layout = engine.layout(loaded, kind, Limits.model_validate(limits))
    found = captured(loaded, layout, rules_of(engine.release, None, kind.capability))
    assert (found.pieces, found.whole) == (pieces, whole)


def test_a_drafter_makes_decoding_steps_longer() -> None:
    """initialize_cudagraph_keys: whole graphs for sizes from a drafted step to what all sequences fill."""
    model, kind, engine = load_model("Qwen/Qwen3-8B"), gpus()["a10"], of_version("0.28.0")
    options = {"speculative_config": '{"method": "eagle3", "num_speculative_tokens": 3}'}
    layout = engine.layout(model, kind, Limits(max_num_seqs=4, options=options))
    found = captured(model, layout, rules_of(engine.release))
    assert (found.pieces, found.whole, found.largest_whole) == (7, 3, 16)  # 1, 2, 4, 8 to 32; 4, 8, 16
