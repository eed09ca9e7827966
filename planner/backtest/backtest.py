"""The `backtest` verb: replay a file of recorded runs and say how far off we would have been."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from planner.backtest.entry import Entry
from planner.backtest.fields import Fields, Value
from planner.backtest.memory_entry import memory_entry
from planner.backtest.readers import engine_named, engine_of
from planner.backtest.score import confusion, pairs, summary
from planner.backtest.speed_entry import is_speed_row, speed_entry
from planner.confidence import CONFIDENCE
from planner.data_files import read_json
from planner.documents import bad_input
from planner.errors import BadInput

GROUPS = ("gpu", "precision")


def backtest(runs: str | Path, *, engine: str | None = None, confidence: float = CONFIDENCE) -> dict[str, Any]:
    """Return the backtest document; raises BadInput when the file holds no rows.

    Errors are fractions of the measured value. A row that cannot be replayed is listed with the reason.
    `engine` keeps the rows of one engine. `confidence` is that of the fit verdicts.
    """
    only = None if engine is None else engine_named(engine)
    found = [entry for entry in entries(Path(runs), confidence) if only in (None, entry.engine)]
    names = sorted({entry.engine for entry in found if entry.engine})
    return {
        "rows": [entry.document() for entry in found],
        **scores(found),
        "engines": {name: _engine_scores([entry for entry in found if entry.engine == name]) for name in names},
    }


def entries(path: Path, confidence: float = CONFIDENCE) -> list[Entry]:
    """Replay every row of a file; raises BadInput when it holds none."""
    return [entry_of(row, number, path.parent, confidence) for number, row in enumerate(_rows(path))]


def scores(found: Iterable[Entry]) -> dict[str, Any]:
    """Return rows used and skipped, the accuracy of each metric, and the verdicts right and wrong."""
    found = list(found)
    used = [entry for entry in found if entry.used]
    verdicts = [(said, was) for entry in used for said, was in [entry.fits] if said is not None and was is not None]
    return {
        "rows_used": len(used),
        "rows_skipped": len(found) - len(used),
        "summary": summary(pairs(entry.predicted, entry.measured) for entry in used),
        "fit": confusion(verdicts),
    }


def _engine_scores(found: Sequence[Entry]) -> dict[str, Any]:
    by = {
        f"by_{group}": {
            name: summary(pairs(entry.predicted, entry.measured) for entry in found if entry.subject.get(group) == name)
            for name in sorted({entry.subject[group] for entry in found if group in entry.subject})
        }
        for group in GROUPS
    }
    return scores(found) | by


def _rows(path: Path) -> list[Any]:
    content = read_json(path)
    lists = [content.get(key) for key in ("rows", "runs")] if isinstance(content, dict) else [content]
    rows = next((rows for rows in lists if isinstance(rows, list)), None)
    if not rows:
        raise BadInput("holds no rows", where=path, expected="a list of recorded runs")
    return rows


def entry_of(row: Any, number: int, folder: Path, confidence: float = CONFIDENCE) -> Entry:
    """Replay one row, the `number`th of its file; `folder` is where its `model_path` starts. Never raises."""
    if not isinstance(row, Mapping):
        return Entry(f"row {number}", reason=f"is {row!r:.40}; expected an object")
    name, engine = str(row.get("id") or f"row {number}"), None
    measured: Mapping[str, Value] = {}
    try:
        engine = engine_of(row)
        measured = Fields(row).measured()
        return speed_entry(row, name, folder) if is_speed_row(row) else memory_entry(row, engine, folder, confidence)
    except BadInput as error:
        reason = str(error)
    except ValidationError as error:
        reason = str(bad_input(error, None))
    except (ArithmeticError, LookupError, TypeError, ValueError) as fault:
        reason = f"the replay itself failed ({fault!r}): a fault of ours"
    return Entry(name, engine, reason, measured=measured)
