"""Fit the constants of `planner/speed/achieved.yaml` to measured runs.

usage: python -m benchmarks.speed.fit PERF.json MICROBENCH.json [--detail] [--write]

Residuals are log(predicted / measured) over the spread that each quantity has between equal runs, through a
loss that lets outliers go (soft L1), with one vote less for each further row of the same model, GPU and engine.
The best shares that matmul kernels reach alone (MICROBENCH.json) tie the compute shares of each GPU family to
one common share of the kernel's own, so that families without served runs are placed too. Priors are part of the
sum (maximum a posteriori), see parameters.py.
"""

import argparse
from collections import Counter, defaultdict
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from scipy.optimize import least_squares

from benchmarks.speed.arrays import Arrays, Timed
from benchmarks.speed.kernels import best_shares
from benchmarks.speed.parameters import constants, parameters
from benchmarks.speed.runs import offline, pair, read_runs, served, single_streams, waits_unmodelled
from planner.backtest.speed.possible import impossible
from planner.speed.achieved import constants as present
from planner.speed.achieved import family, generation

_SPREAD = {"ttft": 0.25, "tpot": 0.08, "tokens": 0.10, "own": 0.15}
_SOFT = 1.5
_KERNEL_SPREAD = 0.12
_STEP = 1e-5


class Fit:
    """The runs that are fitted, what was measured, and the weight of each."""

    def __init__(self, pairs: list, kernels: dict[tuple[str, str], float]) -> None:
        self.rows = [row for row, _ in pairs]
        runs = [run for _, run in pairs]
        self.kernels = kernels
        self.families = sorted({family(run.gpu, run.engine.name) for run in runs} | {name for name, _ in kernels})
        self.engines = sorted({generation(run.engine.name, run.engine.version) for run in runs})
        self.made = parameters(self.families, self.engines)
        self.arrays = Arrays(runs, self.made)
        self.measured = {name: np.array([self._measured(row, run, name) for row, run in pairs]) for name in _SPREAD}
        for name in _SPREAD:
            self.measured[name][~self.arrays.fits] = np.nan
        count = Counter((pair(row), row["framework"]) for row in self.rows)
        self.weight = 2 * np.array([count[pair(row), row["framework"]] ** -0.25 for row in self.rows])
        self.means, self.widths = np.array(self.made.means), np.array(self.made.widths)

    @staticmethod
    def _measured(row: dict, run, name: str) -> float:
        found = run.measured
        if "key" in row:
            if name == ("own" if row["key"].startswith("pp") else "tpot"):
                return (run.workload.input_tokens if name == "own" else 1) / found[row["key"]]
            return np.nan
        if name == "tokens":
            total = found.get("output_tokens_per_s_total")
            if total is None and "output_tokens_per_s_per_gpu" in found:
                total = found["output_tokens_per_s_per_gpu"] * run.gpus
            return total / run.replicas if total and offline(row) else np.nan
        if not served(row) or (name == "ttft" and waits_unmodelled(row)):
            return np.nan
        return found.get(f"{name}_ms", np.nan) / 1000

    def solve(
        self, start: np.ndarray, keep: np.ndarray | None = None, rounds: int = 3, evaluations: int = 8
    ) -> np.ndarray:
        """Return the best vector, fitted to the rows in `keep`."""
        weight = self.weight if keep is None else self.weight * keep
        vector = start
        for number in range(rounds):
            found = least_squares(
                self._residuals, vector, self._slopes, args=(weight,), x_scale=self.widths, max_nfev=evaluations
            )
            vector = found.x
            if number < rounds - 1:
                self.arrays.settle(vector)
        return vector

    def _residuals(self, vector: np.ndarray, weight: np.ndarray) -> np.ndarray:
        timed, parts = self.arrays.predict(vector), []
        for name, spread in _SPREAD.items():
            known = ~np.isnan(self.measured[name])
            raw = (np.log(getattr(timed, name)[known] / self.measured[name][known]) / spread) * weight[known]
            parts.append(np.sign(raw) * _SOFT * np.sqrt(2 * (np.sqrt(1 + (raw / _SOFT) ** 2) - 1)))
        parts.append((vector - self.means) / self.widths)
        at = self.made.index
        for (name, fmt), share in self.kernels.items():
            reached = vector[at[f"compute.{fmt}"]] + vector[at[f"compute.{fmt}.{name}"]]
            parts.append(np.array([(reached - vector[at["of_kernel"]] - np.log(share)) / _KERNEL_SPREAD]))
        return np.concatenate(parts)

    def _slopes(self, vector: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the derivatives of the residuals, by forward differences.

        Constants of one name for different families (or engines) touch different rows: one step serves them all.
        """
        start, total = self._residuals(vector, weight), sum(self._votes)
        slopes = np.zeros((len(start), len(vector)))
        for columns, owner in self._steps_together:
            moved = vector.copy()
            moved[columns] += _STEP
            change = (self._residuals(moved, weight)[:total] - start[:total]) / _STEP
            rows = np.flatnonzero(owner >= 0)
            slopes[rows, owner[rows]] = change[rows]
        slopes[total : total + len(vector)] = np.diag(1 / self.widths)
        at = self.made.index
        for line, (name, fmt) in enumerate(self.kernels, total + len(vector)):
            for place, sign in ((f"compute.{fmt}", 1), (f"compute.{fmt}.{name}", 1), ("of_kernel", -1)):
                slopes[line, at[place]] = sign / _KERNEL_SPREAD
        return slopes

    @cached_property
    def _known(self) -> list[np.ndarray]:
        """Places of the rows that measured each quantity."""
        return [np.flatnonzero(~np.isnan(self.measured[name])) for name in _SPREAD]

    @property
    def _votes(self) -> list[int]:
        return [len(known) for known in self._known]

    @cached_property
    def _steps_together(self) -> list[tuple[list[int], np.ndarray]]:
        """Columns that are stepped at once, with the column that each residual of a row then tells of (-1: none)."""
        rows, found = np.concatenate(self._known), defaultdict(dict)
        for name, place in self.made.index.items():
            common, mark, owner = name.partition("@")
            if not mark and name.rpartition(".")[2] in self.families:
                common, mark, owner = name.rpartition(".")
            found[common, mark][owner] = place
        together = []
        for (_, mark), places in found.items():
            owners = self.arrays.engine if mark == "@" else self.arrays.family
            column = np.array([places.get(owners[row] if mark else "", -1) for row in rows])
            together.append((list(places.values()), column))
        return together

    def ratios(self, timed: Timed, chosen: np.ndarray | None = None) -> dict[str, list[tuple[int, float]]]:
        """Return predicted / measured of each quantity, with the row's place."""
        out = {}
        for name in _SPREAD:
            known = ~np.isnan(self.measured[name])
            known &= chosen if chosen is not None else True
            values = getattr(timed, name) / self.measured[name]
            out[name] = [(int(i), float(values[i])) for i in np.flatnonzero(known)]
        return out


def read_fit(perf: Path, microbench: Path) -> Fit:
    """Return the fit of the rows that can be read; prints what cannot."""
    pairs, skipped = read_runs(perf)
    for reason, times in skipped.most_common():
        print(f"skipped {times:4d}  {reason}")
    doubts = Counter(why for row, run in pairs if served(row) and (why := impossible(run)))
    for reason, times in doubts.items():
        print(f"set aside {times:2d}  {reason}")
    fitted = [(row, run) for row, run in pairs if offline(row) or (served(row) and not impossible(run))]
    fitted += single_streams(pairs)
    return Fit(fitted, best_shares(microbench))


def show(title: str, ratios: dict[str, list[tuple[int, float]]], rows: list[dict], by=None) -> None:
    """Print the median absolute error and the bias of each quantity."""
    for name, values in ratios.items():
        groups = defaultdict(list)
        for i, ratio in values:
            groups["all"].append(ratio)
            groups[rows[i]["framework"] + (" " + rows[i]["key"] if "key" in rows[i] else "")].append(ratio)
            if by:
                groups[by(rows[i])].append(ratio)
        for group, found in sorted(groups.items(), key=lambda item: str(item[0])):
            r = np.array(found)
            error = np.abs(r - 1)
            print(
                f"{title:12s} {name:7s} {group!s:60s} n {len(r):4d}  median error {np.median(error):6.1%}"
                f"  p90 {np.quantile(error, 0.9):6.1%}  bias {np.median(r) - 1:+6.1%}"
            )


def main() -> None:
    """Fit, show the errors, and write the constants when asked to."""
    options = argparse.ArgumentParser()
    options.add_argument("perf", type=Path)
    options.add_argument("microbench", type=Path)
    options.add_argument("--detail", action="store_true")
    options.add_argument("--write", action="store_true")
    asked = options.parse_args()
    fit = read_fit(asked.perf, asked.microbench)
    vector = fit.solve(fit.means.copy())
    by = (lambda row: (row["framework"], row["model"], row["precision"], row["gpu_slug"])) if asked.detail else None
    show("fitted", fit.ratios(fit.arrays.predict(vector)), fit.rows, by)
    for name, place in fit.made.index.items():
        z = (vector[place] - fit.means[place]) / fit.widths[place]
        if abs(z) > 1.5:
            print(f"far from its prior: {name} = {np.exp(vector[place]):.3g} ({z:+.1f} widths)")
    if asked.write:
        write(fit, vector)


def fitted_gpus(fit: Fit) -> dict[str, list[str]]:
    """Return the GPUs with rows under each engine, in the catalogue's names."""
    found: dict[str, set[str]] = {}
    for row, run in zip(fit.rows, fit.arrays.runs, strict=True):
        if row.get("gpu_slug"):
            found.setdefault(run.engine.name, set()).add(str(row["gpu_slug"]))
    return {engine: sorted(gpus) for engine, gpus in sorted(found.items())}


def write(fit: Fit, vector: np.ndarray) -> None:
    """Write achieved.yaml and the fitted links."""
    here = Path(__file__).resolve().parents[2] / "planner" / "speed"
    modes = {name: {key: row[key] for key in ("mixes", "reserves")} for name, row in present()["engines"].items()}
    modes = {engine: modes.get(engine, {"mixes": True, "reserves": False}) for engine in fit.engines}
    content = constants(fit.made, vector, fit.families, fit.engines, modes)
    content["fitted_gpus"] = fitted_gpus(fit)
    content["error_band"] = present()["error_band"]
    head = (
        "# Shares of the datasheet that engines reach, fitted by benchmarks/speed/fit.py to"
        f" {len(fit.rows)} measured runs\n# ({', '.join(sorted({r['framework'] for r in fit.rows}))}; rows of"
        " served runs at known concurrency and of maximum-throughput tables).\n"
        "# Families are CUDA compute capabilities; `default` is for those without rows.\n"
        "# error_band: 90th percentiles of the absolute error where nothing, the GPU, the architecture was held out\n"
        "# (benchmarks/speed/held_out.csv).\n"
    )
    text = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=118)
    (here / "achieved.yaml").write_text(head + text, encoding="utf-8")
    links = yaml.safe_load((here / "collectives.yaml").read_text(encoding="utf-8"))
    for name in fit.made.index:
        field, _, link = name.partition("~")
        if link:
            links[link][field] = float(f"{np.exp(vector[fit.made.index[name]]):.3g}")
    first = (here / "collectives.yaml").read_text(encoding="utf-8").splitlines()
    comments = "\n".join(line for line in first if line.startswith("#"))
    (here / "collectives.yaml").write_text(
        comments + "\n" + yaml.safe_dump(links, sort_keys=False, default_flow_style=None), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
