"""Random small instances: the plan against an exhaustive search that shares no code with the solver.

python -m benchmarks.exhaustive --instances 1000 --models 3 --gpus 8
python -m benchmarks.exhaustive --ruled --instances 1000

With --ruled the instances have all that a request may ask for beside memory (`tests/solve/ruled_instances.py`).
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.solve.random_instances import instance
from tests.solve.ruled_instances import ruled_instance


def main(words: Sequence[str] | None = None) -> None:
    """Compare so many instances from a first seed on; exits 1 when any differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--gpus", type=int, default=8)
    parser.add_argument("--ruled", action="store_true")
    chosen = parser.parse_args(words)
    counts: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    solver = search = 0.0
    for seed in range(chosen.first, chosen.first + chosen.instances):
        drawn = ruled_instance(seed) if chosen.ruled else instance(seed, models=chosen.models, gpus=chosen.gpus)
        started = time.process_time()
        planned = drawn.planned()
        between = time.process_time()
        found = drawn.cheapest()
        solver, search = solver + between - started, search + time.process_time() - between
        if planned != found:
            print(f"seed {seed}: planned {planned}, exhaustive {found}: {drawn.inventory.text}")
        counts["differ" if planned != found else "infeasible" if found is None else "feasible"] += 1
        kinds.update(getattr(drawn, "kinds", ()))
    print(
        f"{chosen.instances} instances: {counts['feasible']} plans of equal cost, {counts['infeasible']} infeasible in"
        f" both, {counts['differ']} differ; CPU of the solver {solver:.0f} s, of the exhaustive search {search:.0f} s"
    )
    print(", ".join(f"{count} with {kind}" for kind, count in kinds.most_common()))
    sys.exit(1 if counts["differ"] else 0)


if __name__ == "__main__":
    main()
