"""Read measured speed rows; what cannot be predicted is listed with its reason."""

import json
from collections import Counter
from pathlib import Path

from planner.backtest.speed.row import SpeedRun, read_speed_row
from planner.backtest.speed.stream import streams
from planner.errors import GpuplanError


def read_runs(path: Path) -> tuple[list[tuple[dict, SpeedRun]], Counter[str]]:
    """Return (row, run) pairs and the reasons of the rows left out."""
    runs, skipped = [], Counter()
    for row in json.loads(path.read_text(encoding="utf-8")):
        try:
            runs.append((row, read_speed_row(row)))
        except GpuplanError as reason:
            skipped[f"{row.get('framework')}: {reason}"[:110]] += 1
    return runs, skipped


def single_streams(pairs: list[tuple[dict, SpeedRun]]) -> list[tuple[dict, SpeedRun]]:
    """Return a (row, run) pair for pp and tg figures of the llama.cpp rows; the row names the figure in `key`.

    Long prompts of the rows at hand ran without flash attention, which has been the default since: left out.
    """
    return [
        (row | {"key": key}, stream)
        for row, run in pairs
        for key, stream in streams(run).items()
        if key.startswith(("pp512", "pp1024", "tg"))
    ]


def served(row: dict) -> bool:
    """Whether a row is a served run at a known concurrency."""
    return str(row.get("load")).startswith("closed loop")


def offline(row: dict) -> bool:
    """Whether a row is of a maximum-throughput table."""
    return str(row.get("load")).startswith("offline")


def waits_unmodelled(row: dict) -> bool:
    """Whether the row's own flags say that its TTFT is a queue or a warm-up."""
    return bool(row.get("queue_limited") or row.get("ttft_suspect"))


def pair(row: dict) -> tuple[str, str]:
    """The (model, GPU) pair of a row: what is held out together."""
    return str(row["model"]), str(row["gpu_slug"])
