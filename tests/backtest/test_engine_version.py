"""The version of a run, from what people write beside it."""

import pytest

from planner.backtest.engine_version import engine_version


@pytest.mark.parametrize(
    ("stated", "generation", "hints", "source", "expected"),
    [
        ("0.19.0", "v1", "", "", "0.19.0"),
        ("0.5.3.post1", "v0", "", "", "0.5.3.post1"),
        ("0.20.1rc1.dev16+g7a1eb8ac2", "v1", "", "", "0.20.1rc1"),
        ("0.2.3/0.2.4 dev (PR branch, 2023-12)", "v0", "", "", "0.2.3"),
        (None, "v0", "log format of 0.6.4.x", "", "0.6.4"),
        (None, "v1", "October 2025 (0.11.x line numbers)", "", "0.11.2"),
        (None, "v0", "LLM class; 2023-07-20", "", "0.1.2"),
        (None, "v1", "vLLM of July 2025", "", "0.10.0"),
        (None, "v0", "Loading model weights took 14.9 GB", "log of 2025-03-25", "0.7.3"),
        (None, "v1", "", "https://github.com/vllm-project/vllm/issues/27508", "0.11.0"),
        (None, "v0", "8 H100; 2023-07-20", "", "0.1.2"),
        (None, "v0", "0.95 utilization, non-torch 0.55 GiB", "", "0.7.3"),
        ("0.1.dev20073+g8e685d198", "v1", "(comment 2026-08-30)", "", "0.28.0"),
    ],
)
def test_version(stated: str | None, generation: str, hints: str, source: str, expected: str) -> None:
    version, note = engine_version("vllm", stated, hints, source, generation)
    assert version == expected
    assert (note is None) == bool(stated and stated.startswith(("0.19", "0.5", "0.20", "0.2.3")))


def test_without_evidence_it_is_the_newest_and_says_so() -> None:
    version, note = engine_version("vllm", None, "0.9 utilization", "", "v1")
    assert version is None
    assert note
    assert "newest" in note


def test_a_thread_of_one_engine_dates_the_log_of_another() -> None:
    assert engine_version("sglang", None, "", "https://github.com/vllm-project/vllm/issues/21348")[0] == "0.4.9"


def test_the_day_tells_releases_of_sglang_before_0_3() -> None:
    assert engine_version("sglang", None, "2024-05-23", "")[0] == "0.1.16"
