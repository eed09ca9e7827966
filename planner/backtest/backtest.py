"""The `backtest` verb: replay a file of recorded runs and say how far off we would have been."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from planner.backtest.fields import Fields, Value
from planner.backtest.readers import Reader, engine_of, reader_of
from planner.backtest.replay import replay
from planner.backtest.run import Replay
from planner.backtest.score import confusion, pairs, rounded, summary
from planner.data_files import read_json
from planner.engines.profile import CONFIDENCE
from planner.errors import BadInput


def backtest(runs: str | Path, *, engine: str | None = None, confidence: float = CONFIDENCE) -> dict[str, Any]:
    """Return the backtest document of DESIGN section 4; raises BadInput when the file holds no rows.

    Errors are fractions of the measured value. A row that cannot be replayed is listed with the reason.
    `engine` keeps the rows of one engine. `confidence` is that of the fit verdicts.
    """
    path = Path(runs)
    results = [_result(row, number, path.parent, confidence) for number, row in enumerate(_rows(path))]
    if engine is not None:
        results = [result for result in results if result["engine"] == engine.lower()]
    engines = sorted({result["engine"] for result in results if result["engine"]})
    return {
        "rows": results,
        **_scores(results),
        "engines": {name: _scores([r for r in results if r["engine"] == name]) for name in engines},
    }


def _rows(path: Path) -> list[Any]:
    content = read_json(path)
    rows = (
        next((content[key] for key in ("rows", "runs") if isinstance(content.get(key), list)), None)
        if isinstance(content, dict)
        else content
    )
    if not isinstance(rows, list) or not rows:
        raise BadInput("holds no rows", where=path, expected="a list of recorded runs")
    return rows


def _result(row: Any, number: int, folder: Path, confidence: float) -> dict[str, Any]:
    """Return the entry of one row."""
    if not isinstance(row, Mapping):
        return _skipped(f"row {number}", None, {}, f"is {row!r:.40}; expected an object")
    name, engine, measured = str(row.get("id") or f"row {number}"), None, {}
    try:
        engine = engine_of(row)
        measured = rounded(Fields(row).measured())
        reader = reader_of(engine)
        run = reader.read(row)
        replayed = replay(run, folder, confidence)
        predicted = {} if replayed.refusals else _predicted(replayed, reader)
    except BadInput as error:
        return _skipped(name, engine, measured, str(error))
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        return _skipped(name, engine, measured, f"the replay itself failed ({fault!r}): a fault of ours")
    return {
        "id": name,
        "engine": engine,
        "status": "predicted",
        "reason": None,
        "predicted": rounded(predicted),
        "measured": measured,
        "fits": {"predicted": replayed.fits if run.devices.sized else None, "measured": run.fits},
        "why_not": [*replayed.refusals, *replayed.bill.reasons] if not replayed.fits else [],
        "engine_version": replayed.engine.version,
        "model": replayed.model.name,
        "gpus": list(dict.fromkeys(gpu.slug for gpu in run.devices.kinds)),
        "layout": replayed.layout.label(),
        "unscored": dict(run.unscored),
        "assumptions": list(replayed.notes),
    }


def _predicted(replayed: Replay, reader: Reader) -> dict[str, Value]:
    """Return what the profile says of each quantity that was measured and can be compared."""
    run = replayed.run
    known = reader.METRICS.keys() if run.devices.sized else reader.DEVICE_FREE
    scored = [metric for metric in run.measured if metric in known and metric not in run.unscored]
    found = {metric: reader.METRICS[metric](replayed) for metric in scored}
    return {metric: value for metric, value in found.items() if value is not None}


def _skipped(name: str, engine: str | None, measured: Mapping[str, Any], reason: str) -> dict[str, Any]:
    return {
        "id": name,
        "engine": engine,
        "status": "skipped",
        "reason": reason,
        "predicted": {},
        "measured": dict(measured),
        "fits": None,
    }


def _scores(results: list[dict[str, Any]]) -> dict[str, Any]:
    used = [result for result in results if result["status"] == "predicted"]
    verdicts = [result["fits"] for result in used if None not in result["fits"].values()]
    return {
        "rows_used": len(used),
        "rows_skipped": len(results) - len(used),
        "summary": summary(pairs(result["predicted"], result["measured"]) for result in used),
        "fit": confusion((verdict["predicted"], verdict["measured"]) for verdict in verdicts),
    }
