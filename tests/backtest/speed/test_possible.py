"""Runs that no hardware can have made as their rows say."""

from planner.backtest.speed.possible import impossible
from planner.backtest.speed.row import SpeedRun, read_speed_row


def run(**measured: float) -> SpeedRun:
    return read_speed_row({
        "id": "one", "framework": "vLLM", "version": "0.12.0", "model": "meta-llama/Llama-3.1-8B-Instruct",
        "precision": "bf16", "gpu_slug": "h100-sxm5-80gb", "n_gpus": 1, "tp": 1, "isl": 1000, "osl": 100,
        "concurrency": 64, "load": "closed loop at fixed concurrency", "measured": measured,
    })  # fmt: skip


def test_sixteen_gigabytes_take_five_milliseconds_at_three_terabytes_a_second() -> None:
    """15 GB of weights at 3.35 TB/s are 4.5 ms, whatever the batch."""
    assert "full bandwidth" in (impossible(run(ttft_ms=5000.0, tpot_ms=4.0)) or "")
    assert impossible(run(ttft_ms=5000.0, tpot_ms=6.0)) is None


def test_prompts_that_come_faster_than_their_operations() -> None:
    """64 prompts of 1,000 tokens are 1.03e15 operations: over a second at 989 TFLOP/s."""
    assert "full rate" in (impossible(run(ttft_ms=50.0, tpot_ms=9.5)) or "")
    assert impossible(run(ttft_ms=500.0, tpot_ms=25.0)) is None
