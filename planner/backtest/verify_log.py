"""A start-up log beside our prediction, term by term."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.backtest.fields import Value
from planner.backtest.memory_entry import memory_entry
from planner.backtest.readers import engine_of
from planner.backtest.score import pairs
from planner.confidence import CONFIDENCE
from planner.data_files import read_json
from planner.errors import BadInput
from planner.logs.log_row import log_row


def verify_log(
    log: Path, *, model: str | None = None, gpu: str | None = None, confidence: float = CONFIDENCE
) -> dict[str, Any]:
    """Return the verify document of a log; `model` and `gpu` fill in or overrule what the log says.

    Raises BadInput when the log cannot be read or names no model or GPU that we know.
    """
    row = complete(log_row(log), model, gpu)
    if "model" not in row and "model_path" not in row:
        raise BadInput("names no model", where=log, expected="--model MODEL")
    engine = engine_of(row)
    entry = memory_entry(row, engine, Path(), confidence)
    compared = pairs(entry.predicted, entry.measured)
    said, was = entry.fits
    return {
        "source": str(log),
        "engine": engine,
        **entry.subject,
        "fits": said,
        "log_fits": was,
        "reasons": list(entry.why_not),
        "margin": dict(entry.margin),
        "terms": [
            {"term": metric, "predicted": predicted, "logged": logged, "error": predicted / logged - 1}
            for metric, some in compared.items()
            for predicted, logged in some
        ],
        "not_predicted": _not_predicted(entry.predicted, entry.measured, entry.unscored),
        "assumptions": [*_unsaid(row, engine), *entry.assumptions],
        "row": row,
    }


def _unsaid(row: Mapping[str, Any], engine: str) -> list[str]:
    """What a log that begins too late, or says too little, leaves to the defaults."""
    if engine == "llamacpp":
        return [] if row.get("quantization") else ["the log does not name the type of the file: read as its name says"]
    return [] if "tp" in row else ["the log does not show the launch arguments: the defaults are taken"]


def complete(row: dict[str, Any], model: str | None, gpu: str | None) -> dict[str, Any]:
    """Return the row with the user's word for model and GPU."""
    if model is not None:
        row = {**row, "model": model}
        if Path(model).exists():
            row["model_path"] = str(Path(model).resolve())
    return row if gpu is None else {**row, "gpu_slug": gpu}


def join_rows(row: dict[str, Any], path: Path) -> int:
    """Add a row to a file of runs, in place of one with the same id; return how many it then holds."""
    rows = read_json(path) if path.exists() else []
    if not isinstance(rows, list):
        raise BadInput("is no list of rows", where=path)
    rows = [old for old in rows if not isinstance(old, dict) or old.get("id") != row["id"]] + [row]
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return len(rows)


def _not_predicted(
    predicted: Mapping[str, Value], measured: Mapping[str, Value], unscored: Mapping[str, str]
) -> dict[str, str]:
    """Logged terms without a counterpart, with the reason."""
    return {
        metric: unscored.get(metric, "the profile does not say")
        for metric, value in measured.items()
        if metric not in predicted and value != {}
    }
