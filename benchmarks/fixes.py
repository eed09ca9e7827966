"""Random requests of real models: every fix works and one unit less does not, flip points hold on both sides,
better conditions never make a plan worse, names and order of the nodes never change its cost.

python -m benchmarks.fixes --requests 100
python -m benchmarks.fixes --crowded --requests 100

With --crowded every request has two or three models, and only fixes and what is blamed are looked at: that it cannot be
had together, and that without any one part of it there is a plan.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from planner.request import Request
from tests.solve.better_conditions import wrong_changes
from tests.solve.explain.random_requests import crowded_request, random_request, wrong_fixes, wrong_flips


def main(words: Sequence[str] | None = None) -> None:
    """Try so many requests from a first seed on; exits 1 when anything does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--crowded", action="store_true")
    chosen = parser.parse_args(words)
    fixes = flips = wrong = infeasible = 0
    draw = crowded_request if chosen.crowded else random_request
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.first, chosen.first + chosen.requests):
            request = Request.parse(draw(seed, Path(folder)))
            of_fixes, found = wrong_fixes(request)
            of_flips, more = wrong_flips(request) if not (of_fixes or chosen.crowded) else (0, [])
            fixes, flips, infeasible = fixes + of_fixes, flips + of_flips, infeasible + bool(of_fixes)
            for line in [*found, *more, *([] if chosen.crowded else wrong_changes(request, seed))]:
                wrong += 1
                print(f"seed {seed}: {line}", flush=True)
    print(
        f"{chosen.requests} requests, {infeasible} with fixes: {fixes} fixes, {flips} flip points, {wrong} things wrong"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
