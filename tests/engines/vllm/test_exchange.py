"""Buffers of DeepEP, by hand from DeepEP's csrc/config.hpp for DeepSeek-V3 on 8 ranks."""

from planner.engines.vllm.profile import of_version
from planner.engines.vllm.stage_memory import pipeline_lines
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits, OptionValue
from planner.models.source import load_model
from planner.units import GIB

_GPU = gpus()["h200-sxm5-141gb"]
_LATENCY = 4 * 256 * 256 * (2 * 7168 + 56 * 4)


def _non_torch(version: str, data: int, tokens: int | None = None, **options: OptionValue) -> tuple[int, int]:
    engine, model = of_version(version), load_model("deepseek-v3")
    limits = Limits(max_model_len=8192, max_num_batched_tokens=tokens, options=options)
    layout = engine.layout(model, _GPU, limits, tensor=8 // data, data=data, expert_parallel=True)
    rules = engine.rules(layout.options, _GPU)
    lines = pipeline_lines(model, layout, [usual_site(_GPU)], rules, engine.release, 0.5)[0]
    return lines[0].non_torch, layout.max_num_batched_tokens


def test_low_latency_has_room_for_a_chunk_and_later_for_a_step() -> None:
    usual, _ = _non_torch("0.17.0", 8)
    held, tokens = _non_torch("0.17.0", 8, all2all_backend="deepep_low_latency")
    assert (held - usual, tokens) == (GIB + _LATENCY, 8192)
    usual, _ = _non_torch("0.24.0", 8)
    held, tokens = _non_torch("0.24.0", 8, all2all_backend="deepep_low_latency")
    assert (held - usual, tokens) == (GIB + _LATENCY, 256)
    held, tokens = _non_torch("0.24.0", 8, tokens=512, all2all_backend="deepep_low_latency")
    assert (held - usual, tokens) == (GIB + 2 * _LATENCY, 512)


def test_high_throughput_has_a_gib_and_nothing_without_data_parallel_ranks() -> None:
    usual, _ = _non_torch("0.11.0", 8)
    held, _ = _non_torch("0.11.0", 8, VLLM_ALL2ALL_BACKEND="deepep_high_throughput")
    assert held - usual == GIB
    alone, _ = _non_torch("0.11.0", 1, VLLM_ALL2ALL_BACKEND="deepep_high_throughput")
    assert alone == _non_torch("0.11.0", 1)[0]
