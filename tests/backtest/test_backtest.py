"""`gpuplan backtest`: every row is accounted for, malformed ones too, and nothing measured leaks into a prediction."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.backtest.backtest import backtest
from planner.data_files import data_path
from planner.errors import BadInput

PUBLIC = data_path("specs", "runs") / "public_logs.json"
ROW: dict[str, Any] = {
    "id": "one",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "gpu_slug": "h100-sxm5-80gb",
    "vllm_version": "0.19.0",
    "engine": "v1",
    "tp": 1,
    "max_model_len": 8192,
    "fits": True,
    "measured": {"weights_gib_per_gpu": 14.99, "kv_cache_gib_per_gpu": 58.11, "kv_cache_tokens": None},
}


def run(tmp_path: Path, *rows: Any) -> dict[str, Any]:
    file = tmp_path / "runs.json"
    file.write_text(json.dumps(list(rows)))
    return backtest(file)


def test_public_logs_have_one_entry_a_row_and_a_reason_for_each_skip() -> None:
    document = backtest(PUBLIC)
    assert [row["id"] for row in document["rows"]] == [row["id"] for row in json.loads(PUBLIC.read_text())]
    skipped = {row["id"]: row["reason"] for row in document["rows"] if row["status"] == "skipped"}
    assert "Voodoo" in skipped["unknown-card"]
    assert document["summary"]["weights_gib_per_gpu"]["median_ape"] < 0.005
    assert document["fit"]["false_fit"] == 0


def test_one_engine_only() -> None:
    assert {row["engine"] for row in backtest(PUBLIC, engine="SGLang")["rows"]} == {"sglang"}
    with pytest.raises(BadInput, match="unknown engine"):
        backtest(PUBLIC, engine="abacus")


def test_summary_is_of_the_rows(tmp_path: Path) -> None:
    document = run(tmp_path, ROW, {**ROW, "id": "two", "measured": {"weights_gib_per_gpu": 29.98}})
    errors = [
        row["predicted"]["weights_gib_per_gpu"] / row["measured"]["weights_gib_per_gpu"] - 1 for row in document["rows"]
    ]
    found = document["summary"]["weights_gib_per_gpu"]
    assert found["n"] == 2
    assert found["bias"] == pytest.approx(sum(errors) / 2, rel=1e-3)
    assert found["median_ape"] == pytest.approx(sum(map(abs, errors)) / 2, rel=1e-3)


def test_measured_quantities_do_not_leak(tmp_path: Path) -> None:
    absurd = dict.fromkeys(ROW["measured"], 0.123)
    true, false = run(tmp_path, ROW, {**ROW, "measured": absurd})["rows"]
    assert all(true["predicted"][name] == false["predicted"][name] for name in true["predicted"])


def test_the_memory_a_log_states_is_an_input(tmp_path: Path) -> None:
    less = {**ROW, "measured": {**ROW["measured"], "total_gpu_memory_gib": 60.0}}
    whole, part = run(tmp_path, ROW, less)["rows"]
    assert part["predicted"]["kv_cache_gib_per_gpu"] < whole["predicted"]["kv_cache_gib_per_gpu"] - 15
    assert "total_gpu_memory_gib" not in part["predicted"]


def test_model_path_beats_the_name(tmp_path: Path) -> None:
    config = json.loads((data_path("specs", "models") / "Qwen--Qwen3-0.6B.json").read_text())
    (tmp_path / "small.json").write_text(json.dumps(config))
    row = run(tmp_path, {**ROW, "model_path": "small.json"})["rows"][0]
    assert row["predicted"]["weights_gib_per_gpu"] < 2


@pytest.mark.parametrize(
    "row",
    [
        "text",
        17,
        None,
        [],
        {},
        {"id": "x", "engine": "v1"},
        {**ROW, "measured": 3},
        {**ROW, "tp": "two"},
        {**ROW, "tp": -1},
        {**ROW, "max_model_len": 1.5},
        {**ROW, "gpu_memory_utilization": 95},
        {**ROW, "gpu_slug": ["h100"]},
        {**ROW, "model": {"a": 1}},
        {**ROW, "model": "no/such-model"},
        {**ROW, "fits": "yes"},
        {**ROW, "framework": "ExLlamaV2"},
        {**ROW, "model_path": "nowhere.json"},
    ],
)
def test_rows_that_cannot_be_used_are_skipped_with_a_reason(tmp_path: Path, row: Any) -> None:
    entry = run(tmp_path, row)["rows"][0]
    assert entry["status"] == "skipped"
    assert entry["reason"]
    assert "\n" not in entry["reason"]
    assert "fault of ours" not in entry["reason"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**7) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=60, deadline=None)
@given(field=st.sampled_from([*ROW, "dp", "pp", "ep", "other_flags", "quote", "source", "block_size"]), value=_JSON)
def test_no_value_of_any_field_breaks_it(tmp_path_factory: pytest.TempPathFactory, field: str, value: Any) -> None:
    entry = run(tmp_path_factory.mktemp("rows"), {**ROW, field: value})["rows"][0]
    assert entry["status"] in ("predicted", "skipped")
    assert "fault of ours" not in (entry["reason"] or "")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"rows": 3}', "3", "[1"])
def test_files_without_rows_are_bad_input(tmp_path: Path, content: str) -> None:
    file = tmp_path / "runs.json"
    file.write_text(content)
    with pytest.raises(BadInput):
        backtest(file)


SPEED_ROW: dict[str, Any] = {
    "id": "served", "framework": "vLLM", "version": "0.19.0", "model": "meta-llama/Llama-3.1-8B-Instruct",
    "precision": "bf16", "gpu_slug": "h100-sxm5-80gb", "n_gpus": 2, "tp": 2, "pp": 1, "dp": 1, "ep": 1, "isl": 1000,
    "osl": 500, "concurrency": 16, "load": "closed loop at fixed concurrency",
    "measured": {"ttft_ms": 50.0, "tpot_ms": 6.0},
}  # fmt: skip


def test_speed_rows_are_scored_by_gpu_and_precision(tmp_path: Path) -> None:
    waiting = {**SPEED_ROW, "id": "waiting", "queue_limited": True}
    document = run(tmp_path, SPEED_ROW, waiting, {**SPEED_ROW, "id": "bad", "isl": "long"})
    assert document["summary"]["tpot_ms"]["n"] == 2
    assert document["summary"]["ttft_ms"]["n"] == 1
    assert document["engines"]["vllm"]["by_gpu"]["h100-sxm5-80gb"] == document["summary"]
    assert document["engines"]["vllm"]["by_precision"].keys() == {"bf16"}
    assert [row["status"] for row in document["rows"]] == ["predicted", "predicted", "skipped"]


@pytest.mark.parametrize("field", [*SPEED_ROW, "kv_dtype", "caveat", "offered_qps"])
@pytest.mark.parametrize("value", [[], {"a": 1}, -3, "?", True, 10**30])
def test_no_value_breaks_a_speed_row(tmp_path: Path, field: str, value: Any) -> None:
    entry = run(tmp_path, {**SPEED_ROW, field: value})["rows"][0]
    assert "fault of ours" not in (entry["reason"] or ""), entry["reason"]
