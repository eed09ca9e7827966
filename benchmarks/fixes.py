"""Random requests of real models: every fix works and one unit less does not, flip points hold on both sides,
better conditions never make a plan worse, names and order of the nodes never change its cost.

python -m benchmarks.fixes --requests 100
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from planner.request import Request
from tests.solve.better_conditions import wrong_changes
from tests.solve.explain.random_requests import random_request, wrong_fixes, wrong_flips


def main(words: Sequence[str] | None = None) -> None:
    """Try so many requests from a first seed on; exits 1 when anything does not hold."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--requests", type=int, default=100)
    chosen = parser.parse_args(words)
    fixes = flips = wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(chosen.first, chosen.first + chosen.requests):
            request = Request.parse(random_request(seed, Path(folder)))
            of_fixes, found = wrong_fixes(request)
            of_flips, more = wrong_flips(request) if not of_fixes else (0, [])
            fixes, flips = fixes + of_fixes, flips + of_flips
            for line in [*found, *more, *wrong_changes(request, seed)]:
                wrong += 1
                print(f"seed {seed}: {line}", flush=True)
    print(f"{chosen.requests} requests: {fixes} fixes, {flips} flip points, {wrong} things wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
