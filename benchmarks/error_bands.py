"""Fit the error bands of the engines' bill lines to recorded runs, and show what they cover.

usage: python -m benchmarks.error_bands RUNS... [--by-version]

Prints, for each engine and line, the band to put into the profile's constants (one standard deviation: `share` of
the line plus `gib`), the rows it rests on, and what bands fitted without a model's rows cover of them at 0.9 and 0.99.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from planner.backtest.backtest import entries
from planner.backtest.band_fit import cross_validated, fit_band
from planner.backtest.entry import Entry
from planner.backtest.score import Pair, pairs

LINES: dict[str, dict[str, tuple[str, float]]] = {
    "vllm": {
        "weights": ("weights_gib_per_gpu", 1),
        "activation": ("activation_peak_gib", 1),
        "non_torch": ("non_torch_gib", 1),
        "graphs": ("cuda_graph_gib", 1),
    },
    "sglang": {"weights": ("weights_mem_usage_GB", 1), "graphs": ("cuda_graph_mem_usage_GB", 1)},
    "trtllm": {
        "weights": ("weights_rank0_GB", 1),
        "engine": ("engine_MiB", 1 / 1024),
        "activation": ("execution_context_MiB", 1 / 1024),
    },
    "llamacpp": {
        "weights": ("model_buffer_MiB", 1 / 1024),
        "cache": ("kv_buffer_MiB", 1 / 1024),
        "compute": ("compute_buffer_MiB", 1 / 1024),
    },
}
"""Metric that logs each line, and GiB in one of its units."""


def main() -> None:
    """Replay, fit and print."""
    options = argparse.ArgumentParser()
    options.add_argument("runs", type=Path, nargs="+")
    options.add_argument("--by-version", action="store_true", help="a band for each minor version")
    asked = options.parse_args()
    found: dict[tuple[str, str, str], list[tuple[Pair, Entry]]] = defaultdict(list)
    for path in asked.runs:
        for entry in entries(path):
            for line, pair in _lines(entry):
                minor = ".".join(entry.subject["engine_version"].split(".")[:2]) if asked.by_version else "all"
                found[entry.engine or "", minor, line].append((pair, entry))
    for (engine, version, line), some in sorted(found.items()):
        compared = [pair for pair, _ in some]
        models = [entry.subject["model"] for _, entry in some]
        band = fit_band(compared)
        shares = [cross_validated(compared, models.__getitem__, confidence)[0] for confidence in (0.9, 0.99)]
        rows = list(dict.fromkeys(entry.id.split("_")[0] for _, entry in some))
        named = ", ".join(rows[:4]) + (" ..." if len(rows) > 4 else "")
        print(
            f"{engine} {version:6s} {line:11s} share {band['share']:.3f} gib {band['gib']:.3f}"
            f"   unseen models: {shares[0]:.1%} below the 0.9 edge, {shares[1]:.1%} below the 0.99 edge"
            f"   n {len(compared)}, {len(set(models))} models, rows {named}"
        )


def _lines(entry: Entry) -> Iterator[tuple[str, Pair]]:
    compared = pairs(entry.predicted, entry.measured)
    for line, (metric, unit) in LINES.get(entry.engine or "", {}).items():
        for predicted, measured in compared.get(metric, []):
            yield line, (predicted * unit, measured * unit)


if __name__ == "__main__":
    main()
