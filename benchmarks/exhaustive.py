"""Random small instances: the plan against an exhaustive search that shares no code with the solver.

python -m benchmarks.exhaustive --instances 1000 --models 3 --gpus 8
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence

from tests.solve.exhaustive_search import cheapest
from tests.solve.random_instances import instance


def main(words: Sequence[str] | None = None) -> None:
    """Compare so many instances from a first seed on; exits 1 when any differs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--models", type=int, default=3)
    parser.add_argument("--gpus", type=int, default=8)
    chosen = parser.parse_args(words)
    counts: Counter[str] = Counter()
    solver = search = 0.0
    for seed in range(chosen.first, chosen.first + chosen.instances):
        drawn = instance(seed, models=chosen.models, gpus=chosen.gpus)
        started = time.perf_counter()
        planned = drawn.planned()
        between = time.perf_counter()
        found = cheapest(drawn.inventory.nodes, drawn.loads)
        solver, search = solver + between - started, search + time.perf_counter() - between
        if planned != found:
            print(f"seed {seed}: planned {planned}, exhaustive {found}: {drawn.inventory.text}")
        counts["differ" if planned != found else "infeasible" if found is None else "feasible"] += 1
    print(
        f"{chosen.instances} instances of up to {chosen.models} models on up to {chosen.gpus} GPUs:"
        f" {counts['feasible']} plans of equal cost, {counts['infeasible']} infeasible in both, {counts['differ']}"
        f" differ; solver {solver:.0f} s, exhaustive search {search:.0f} s"
    )
    sys.exit(1 if counts["differ"] else 0)


if __name__ == "__main__":
    main()
