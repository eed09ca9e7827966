"""What a row leaves open: how the engine was started, and which engine it was."""

from pathlib import Path
from typing import Any

from planner.backtest.backtest import entry_of
from planner.backtest.entry import Entry

WINDOWED = {
    "model": "google/gemma-3-27b-it",
    "gpu_slug": "h100-sxm5-80gb",
    "engine": "v1",
    "vllm_version": "0.22.0",
    "max_model_len": 131072,
    "max_num_batched_tokens": None,
    "gpu_memory_utilization": 0.95,
    "fits": True,
}
"""A model whose layers slide: what one request needs grows with the tokens of a step."""


def replayed(measured: dict[str, float] | None = None, **fields: Any) -> Entry:
    row = {"id": "one", "engine": "v1", "measured": measured or {}, **fields}
    return entry_of(row, 0, Path())


def needed(entry: Entry) -> float:
    found = entry.predicted["needed_kv_gib"]
    assert isinstance(found, float)
    return found


def test_what_one_request_needs_tells_the_server_from_the_llm_class() -> None:
    server = replayed({"needed_kv_gib": 1.0}, **{**WINDOWED, "max_num_batched_tokens": 8192})
    offline = replayed({"needed_kv_gib": 1.0}, **{**WINDOWED, "max_num_batched_tokens": 16384})
    assert needed(offline) > needed(server) + 0.1

    told = replayed({"needed_kv_gib": round(needed(offline), 2), "activation_peak_gib": 1.0}, **WINDOWED)
    assert "LLM_CLASS" in told.assumptions[-1]
    assert "needed_kv_gib" in told.unscored
    assert told.lines["activation"] == offline.lines["activation"]

    usual = replayed({"needed_kv_gib": round(needed(server), 2)}, **WINDOWED)
    assert usual.lines["activation"] == server.lines["activation"]
    assert "needed_kv_gib" in usual.predicted


def test_a_need_that_fits_neither_changes_nothing() -> None:
    server = replayed(**WINDOWED)
    assert replayed({"needed_kv_gib": 0.123}, **WINDOWED).lines == server.lines


def test_a_server_is_never_taken_for_the_llm_class() -> None:
    offline = replayed({"needed_kv_gib": 1.0}, **{**WINDOWED, "max_num_batched_tokens": 16384})
    row = {**WINDOWED, "other_flags": "vllm serve --enable-prefix-caching"}
    told = replayed({"needed_kv_gib": round(needed(offline), 2)}, **row)
    assert told.lines["activation"] < offline.lines["activation"]


def test_where_neither_version_nor_engine_is_told_it_must_fit_in_both() -> None:
    small = {
        "model": "Qwen/Qwen2.5-VL-3B-Instruct",
        "gpu_slug": "a100-sxm4-80gb",
        "gpu_memory_utilization": 0.3,
        "other_flags": "May 2025",
        "vllm_version": None,
        "fits": True,
    }
    assert replayed(**small).fits == (True, True)
    assert replayed(**{**small, "engine": None}).fits == (False, True)
    assert replayed(**{**small, "engine": None, "vllm_version": "0.9.0"}).fits == (True, True)
