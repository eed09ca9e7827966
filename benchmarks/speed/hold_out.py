"""How far predictions are off for what the fit has not seen: (model, GPU) pairs, GPUs, whole architectures.

usage: python -m benchmarks.speed.hold_out PERF.json MICROBENCH.json

Writes held_out.csv beside this file: median absolute error, 90th percentile and bias by split, engine and quantity.
Pairs are held out in folds, each GPU and each architecture alone. The fit starts from that of all rows but may
move freely; constants of a family or engine without any row left go back to their priors.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks.speed.fit import Fit, read_fit
from benchmarks.speed.runs import pair

_FOLDS = 8
_EVALUATIONS = 3
_NAMES = {"ttft": "TTFT", "tpot": "TPOT", "tokens": "maximum throughput", "own": "prefill of one prompt"}

Ratio = tuple[str, str, float]


def held_out(fit: Fit, vector: np.ndarray, groups: np.ndarray) -> Iterator[Ratio]:
    """Yield (engine, quantity, predicted / measured) of all rows, each from a fit that has not seen its group."""
    for group in sorted(set(groups)):
        left = groups == group
        refit = fit.solve(vector.copy(), keep=(~left).astype(float), rounds=1, evaluations=_EVALUATIONS)
        yield from _named(fit, fit.ratios(fit.arrays.predict(refit), left))


def _named(fit: Fit, ratios: dict[str, list[tuple[int, float]]]) -> Iterator[Ratio]:
    for quantity, values in ratios.items():
        for i, ratio in values:
            row = fit.rows[i]
            name = row["key"].removesuffix("_tokens_per_s") if "key" in row else _NAMES[quantity]
            yield row["framework"], name, ratio


def table(split: str, ratios: list[Ratio]) -> list[dict[str, object]]:
    """Return the lines of one split, by engine and quantity and over all engines that serve."""
    found: dict[tuple[str, str], list[float]] = defaultdict(list)
    for engine, quantity, ratio in ratios:
        found[engine, quantity].append(ratio)
        if quantity in _NAMES.values():
            found["all served", quantity].append(ratio)
    lines = []
    for (engine, quantity), values in sorted(found.items()):
        error = np.abs(np.array(values) - 1)
        lines.append({
            "held out": split, "engine": engine, "quantity": quantity, "rows": len(values),
            "median error": f"{np.median(error):.3f}", "90th percentile": f"{np.quantile(error, 0.9):.3f}",
            "bias": f"{np.median(values) - 1:+.3f}",
        })  # fmt: skip
    return lines


def main() -> None:
    """Refit without each group and write the errors."""
    options = argparse.ArgumentParser()
    options.add_argument("perf", type=Path)
    options.add_argument("microbench", type=Path)
    asked = options.parse_args()
    fit = read_fit(asked.perf, asked.microbench)
    vector = fit.solve(fit.means.copy())
    keys: dict[str, Callable[[int], object]] = {
        "(model, GPU) pair": lambda i: crc32(str(pair(fit.rows[i])).encode()) % _FOLDS,
        "GPU": lambda i: fit.rows[i]["gpu_slug"],
        "architecture": lambda i: fit.arrays.family[i],
    }
    lines = table("nothing", list(_named(fit, fit.ratios(fit.arrays.predict(vector)))))
    for split, key in keys.items():
        groups = np.array([str(key(i)) for i in range(len(fit.rows))])
        lines += table(split, list(held_out(fit, vector, groups)))
        print(*lines[-12:], sep="\n", flush=True)
    with Path(__file__).with_name("held_out.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(lines[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


if __name__ == "__main__":
    main()
