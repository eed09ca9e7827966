"""A local profile made of logs: later bills agree with them, and say that it was used."""

import json
from pathlib import Path
from typing import Any

import pytest

from planner.backtest.backtest import backtest
from planner.backtest.calibrate import calibrate
from planner.engines import find_engine
from planner.engines.local_profile import Correction, LocalProfile, using
from planner.errors import BadInput
from planner.fleet.gpu_catalogue import gpus
from planner.fleet.site import usual_site
from planner.layout import Limits
from planner.models.source import load_model
from planner.speed.estimate import estimate

LOG = Path(__file__).parents[1] / "logs" / "data" / "vllm_0.19_tp2.log"


def errors(path: Path) -> dict[str, float]:
    return {metric: found["median_ape"] for metric, found in backtest(path)["summary"].items()}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Runs of a machine whose cache is 3 GiB smaller than we would say and whose activation is twice ours."""
    rows: list[dict[str, Any]] = []
    for length in (4096, 8192, 16384):
        row: dict[str, Any] = {
            "id": f"run{length}", "framework": "vLLM", "model": "meta-llama/Llama-3.1-8B", "gpu_slug": "l40s", "tp": 1,
            "vllm_version": "0.26.0", "max_model_len": length, "fits": True,
            "measured": {"activation_peak_gib": 1.0, "kv_cache_gib_per_gpu": 1.0, "non_torch_gib": 1.0},
        }  # fmt: skip
        file = tmp_path / "probe.json"
        file.write_text(json.dumps([row]))
        said = backtest(file)["rows"][0]["predicted"]
        row["measured"] = {
            "activation_peak_gib": 2 * said["activation_peak_gib"],
            "non_torch_gib": said["non_torch_gib"] + 0.25,
            "kv_cache_gib_per_gpu": said["kv_cache_gib_per_gpu"] - 3,
        }
        rows.append(row)
    path = tmp_path / "runs.json"
    path.write_text(json.dumps(rows))
    return path


def test_bills_agree_with_the_runs_that_made_the_profile(runs: Path, tmp_path: Path) -> None:
    profile, report = calibrate([runs])
    entry = profile.entries[0]
    assert (entry.engine, entry.gpu, entry.ranks) == ("vllm", "l40s", "one")
    assert entry.activation.share == pytest.approx(1, abs=0.01)
    assert entry.non_torch.gib == pytest.approx(0.25, abs=0.01)
    assert report["before"]["kv_cache_gib_per_gpu"]["median_ape"] > 0.1
    file = tmp_path / "mine.json"
    file.write_text(profile.dump())
    with using(file):
        assert max(errors(runs).values()) < 0.005
    assert errors(runs)["kv_cache_gib_per_gpu"] > 0.1, "without the profile nothing is corrected"


def test_other_kinds_are_left_alone_and_documents_say_so(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(calibrate([runs])[0].dump())
    plain = {gpu: estimate("llama-3.1-8b", gpu) for gpu in ("l40s", "l4")}
    with using(file):
        mine = {gpu: estimate("llama-3.1-8b", gpu) for gpu in ("l40s", "l4")}
    assert mine["l4"]["per_device"] == plain["l4"]["per_device"]
    assert mine["l40s"]["kv_cache_tokens"] < plain["l40s"]["kv_cache_tokens"]
    assert mine["l40s"]["per_device"][0]["device_bytes"] == plain["l40s"]["per_device"][0]["device_bytes"]
    assert any("local profile" in line for line in mine["l4"]["assumptions"])
    assert not any("local profile" in line for line in plain["l4"]["assumptions"])


def test_a_profile_of_nothing_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    entry = {"engine": "vllm", "gpu": "l40s", "ranks": "one"}
    file.write_text(json.dumps({"entries": [entry]}))
    model, gpu = load_model("llama-3.1-8b"), gpus()["l40s"]
    plain = find_engine("vllm")
    layout = plain.layout(model, gpu, Limits())
    with using(file):
        assert find_engine("vllm").bill(model, layout, [usual_site(gpu)]) == plain.bill(
            model, layout, [usual_site(gpu)]
        )


def test_logs_make_profiles_too() -> None:
    profile, report = calibrate([LOG], gpu="H100")
    assert report["rows_used"] == ["vllm_0.19_tp2"]
    assert profile.entries[0].ranks == "several"


def test_what_cannot_be_replayed_is_named(tmp_path: Path) -> None:
    file = tmp_path / "runs.json"
    file.write_text(json.dumps([{"id": "x", "framework": "vLLM", "model": "no/such", "measured": {}}]))
    with pytest.raises(BadInput, match="no/such"):
        calibrate([file])


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", "entries: 3", "entries: [{engine: vllm}]", "entries: [{engine: a, gpu: b, ranks: two}]"]
)
def test_broken_profiles_are_bad_input(tmp_path: Path, content: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(content)
    with pytest.raises(BadInput), using(file):
        pass


def test_a_line_never_becomes_negative() -> None:
    assert Correction(share=-0.5, gib=-100).of(100) == -100
    assert LocalProfile(entries=[]).entries == []


def test_graphs_that_a_log_counts_as_activation_are_no_part_of_its_share(runs: Path, tmp_path: Path) -> None:
    """From 0.27 on vLLM logs what it leaves for graphs with the activation."""
    rows = json.loads(runs.read_text())
    for row in rows:
        row["vllm_version"], row["measured"] = "0.33.0", {"activation_peak_gib": 1.0}
    runs.write_text(json.dumps(rows))
    for row, said in zip(rows, backtest(runs)["rows"], strict=True):
        row["measured"] = {"activation_peak_gib": said["predicted"]["activation_peak_gib"] + 0.2}
    runs.write_text(json.dumps(rows))
    file = tmp_path / "mine.json"
    file.write_text(calibrate([runs])[0].dump())
    with using(file):
        assert errors(runs)["activation_peak_gib"] < 0.005
