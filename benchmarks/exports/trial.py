"""A trial of exports: random plans to every target, before the real parsers, and read back to the byte.

python -m benchmarks.exports.trial --first 0 --plans 320

Judges are found as `make test-engines` leaves them, or where GPUPLAN_*_PYTHON and GPUPLAN_SCHEMAS say. Prints what
differs, then a table of counts by target; exits 1 when anything was not accepted or not read back. `--minutes` stops
it earlier, between two plans.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from tabulate import tabulate

from benchmarks.exports.draw import Drawn, drawn
from benchmarks.exports.judged import BEYOND, complaints
from planner.errors import BadInput
from planner.export import TARGETS, Refused, export
from planner.plan_document import Plan
from tests.export.round_trip import assert_same_bills

_GOOD = ("accepted", "only read back", "refused")


def main(words: Sequence[str] | None = None) -> None:
    """Try so many plans from a first seed on."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--plans", type=int, default=320)
    parser.add_argument("--minutes", type=float, default=float("inf"))
    parser.add_argument("--unjudged", action="store_true", help="only read back")
    chosen = parser.parse_args(words)
    end = monotonic() + 60 * chosen.minutes
    counts: Counter[tuple[str, str]] = Counter()
    tried = 0
    for one in drawn(chosen.first, chosen.plans):
        for target, outcome, said in _outcomes(one, judged=not chosen.unjudged):
            counts[target, outcome] += 1
            if outcome not in _GOOD:
                print(f"{one.seed} {target} {outcome}: {said[:500]} | {one.said[:400]}", flush=True)
        print(f"# {one.seed}", file=sys.stderr, flush=True)
        tried += 1
        if monotonic() > end:
            break
    print(f"{tried} plans from seed {chosen.first} on")
    print(_table(counts))
    sys.exit(1 if any(outcome not in _GOOD for _, outcome in counts) else 0)


def _outcomes(one: Drawn, *, judged: bool) -> Iterator[tuple[str, str, str]]:
    """Yield (target, what became of the plan, why)."""
    for target in TARGETS:
        try:
            files = export(one.plan, target)
        except Refused as refused:
            nobody = not refused.instead
            yield target, "refused by all" if nobody else "refused", refused.reason
            continue
        except BadInput as error:
            yield target, "no refusal", str(error)
            continue
        said = list(complaints(one.plan, target, files)) if judged else []
        if against := [line for line in said if not any(words in line for words in BEYOND)]:
            yield target, "not accepted", "; ".join(against)
            continue
        outcome = _read_back(one.plan, target)
        yield (target, "only read back", "; ".join(said)) if said and not outcome[2] else outcome


def _read_back(plan: Plan, target: str) -> tuple[str, str, str]:
    with TemporaryDirectory() as folder:
        try:
            assert_same_bills(plan, target, Path(folder))
        except (AssertionError, BadInput) as error:
            return target, "read back otherwise", str(error)
    return target, "accepted", ""


def _table(counts: Counter[tuple[str, str]]) -> str:
    outcomes = sorted({outcome for _, outcome in counts})
    rows = [[target, *(counts[target, outcome] for outcome in outcomes)] for target in TARGETS]
    return tabulate(rows, ["target", *outcomes], tablefmt="github")


if __name__ == "__main__":
    main()
