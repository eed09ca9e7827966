"""Write vllm_hold_out.md: what the fitted constants of vLLM's memory give on runs that they were not fitted to.

usage: python -m benchmarks.vllm_hold_out RUNS.json... [-o benchmarks/vllm_hold_out.md]

Each constant of `terms.yaml` that was fitted is fitted again without the runs of one model, and without those of one
source, and those runs are predicted with it: activation and graphs by a search along one constant after the other, what
lies outside PyTorch by the median of its cell. A constant that is no more than a memory of the rows shows here.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

from planner.backtest.readers import reader_of
from planner.backtest.replay import replay
from planner.backtest.score import quantile
from planner.data_files import read_json
from planner.engines.vllm.release import Version, rules_of
from planner.engines.vllm.stage_memory import StageMemory, stage_memory
from planner.engines.vllm.terms import terms
from planner.errors import BadInput
from planner.units import GIB

FITTED: Mapping[str, tuple[str, ...]] = {
    "activation": ("base", "hidden_copies", "sort_bytes", "fused_bytes"),
    "graphs": ("base", "layer_mib", "chosen_expert_mib", "shared_expert_mib", "latent_layer_mib", "split_factor"),
}
LINES = {"activation": "activation_peak_gib", "graphs": "cuda_graph_gib", "non_torch": "non_torch_gib"}
POOL = "kv_cache_gib_per_gpu"
FACTORS = (1.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.02, 1.05, 1.1, 1.25, 2.0)


@dataclass(frozen=True)
class Logged:
    """A run: how its lines are computed anew, what was logged, and which cell of the non-torch table it is in."""

    name: str
    model: str
    source: str
    lines: Callable[[], StageMemory]
    measured: Mapping[str, float]
    cell: tuple[str, str]

    def predicted(self, line: str) -> float:
        """GiB of a line, or of the pool, with the constants as they are."""
        lines = self.lines()
        return float({**vars(lines), "pool": lines.pool}[line]) / GIB

    def error(self, line: str, metric: str) -> float | None:
        """Relative error of a line, where it was logged."""
        logged = self.measured.get(metric)
        return abs(self.predicted(line) - logged) / abs(logged) if logged else None


def main() -> None:
    """Fit, hold out, write."""
    options = argparse.ArgumentParser()
    options.add_argument("runs", type=Path, nargs="+")
    options.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = options.parse_args()
    logged = [one for path in asked.runs for one in _logged(path)]
    asked.output.write_text(_page(logged), encoding="utf-8")


def _logged(path: Path) -> Iterator[Logged]:
    for row in read_json(path):
        try:
            run = reader_of("vllm").read(row)
            found = replay(run, path.parent, 0.5)
        except (BadInput, KeyError, ValueError):
            continue
        measured = {name: float(value) for name, value in run.measured.items() if isinstance(value, int | float)}
        if found.refusals or not any(metric in measured for metric in LINES.values()):
            continue
        site = run.devices.sites(found.layout.pipeline_parallel_size)[0]
        version = Version.parse(found.engine.version)
        wished = found.layout.options.get("VLLM_USE_V1")
        rules = rules_of(version, None if wished is None else f"v{int(wished)}", site.gpu.capability)
        stage = run.rank // max(1, found.layout.gpus_per_stage)

        lines = partial(stage_memory, found.model, found.layout, stage, 0, site, rules, version)
        several = "peer" if site.peer_access else "no_peer"
        alone = "alone" if found.layout.pipeline_parallel_size == 1 else "stages"
        place = several if found.layout.gpus_per_stage > 1 else alone
        source = str(row.get("source") or "").split("run log")[0].split("http")[0].strip() or "unnamed"
        yield Logged(run.id, found.model.name, source, lines, measured, (rules.non_torch, place))


@contextmanager
def _constants(changed: Mapping[tuple[str, str], Any]) -> Iterator[None]:
    before = {key: terms(key[0])[key[1]] for key in changed}
    for (section, name), value in changed.items():
        terms(section)[name] = value
    try:
        yield
    finally:
        for (section, name), value in before.items():
            terms(section)[name] = value


def _fit(rows: Sequence[Logged]) -> dict[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {}
    for line, names in FITTED.items():
        used = [row for row in rows if row.measured.get(LINES[line])]
        for name in names:
            now = terms(line)[name]
            tried = {now * factor: _loss(used, line, found | {(line, name): now * factor}) for factor in FACTORS}
            found[line, name] = min(tried, key=tried.__getitem__)
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if (value := row.measured.get("non_torch_gib")) is not None:
            table[row.cell[0]][row.cell[1]].append(value)
    for column, places in table.items():
        found["non_torch", column] = terms("non_torch")[column] | {
            place: median(all_) for place, all_ in places.items()
        }
    return found


def _loss(rows: Sequence[Logged], line: str, changed: Mapping[tuple[str, str], Any]) -> float:
    with _constants(changed):
        errors = [row.error(line, LINES[line]) or 0.0 for row in rows]
    return sum(min(error, 0.5) for error in errors)


def _held_out(rows: Sequence[Logged], group: Callable[[Logged], str]) -> dict[str, list[tuple[float, str]]]:
    errors: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for name in dict.fromkeys(map(group, rows)):
        out = [row for row in rows if group(row) == name]
        with _constants(_fit([row for row in rows if group(row) != name])):
            for key, values in _errors(out).items():
                errors[key] += values
    return errors


def _errors(rows: Sequence[Logged]) -> dict[str, list[tuple[float, str]]]:
    errors: dict[str, list[tuple[float, str]]] = defaultdict(list)
    for row in rows:
        for line, metric in {**LINES, "pool": POOL}.items():
            whole = line != "pool" or all(row.measured.get(one) is not None for one in ("activation_peak_gib", POOL))
            if whole and (error := row.error(line, metric)) is not None:
                errors[line].append((error, row.name))
    return errors


def _page(rows: Sequence[Logged]) -> str:
    ways = {
        "fitted to all": _errors(rows),
        "without the model": _held_out(rows, lambda row: row.model),
        "without the source": _held_out(rows, lambda row: row.source),
    }
    table = []
    for line in (*LINES, "pool"):
        cells: list[Any] = [line, len(ways["fitted to all"][line])]
        for errors in ways.values():
            values = [error for error, _ in errors[line]]
            cells += [f"{median(values):.2%}", f"{quantile(sorted(values), 0.9):.1%}"]
        table.append(cells)
    heads = ["", "n", *(f"{way}: {what}" for way in ways for what in ("median", "90th"))]
    worst = sorted(ways["without the model"]["pool"], reverse=True)[:8]
    sources = len({row.source for row in rows})
    return (
        "\n\n".join(
            [
                "# Constants of vLLM's memory, held out",
                "Generated by `python -m benchmarks.vllm_hold_out`: absolute errors relative to what was logged, "
                f"{len(rows)} runs of {len({row.model for row in rows})} models from {sources} sources. The pool is "
                "that of runs whose log has its terms.",
                tabulate(table, headers=heads, tablefmt="github"),
                "Pools furthest off without their model:",
                tabulate(
                    [[name, f"{error:.1%}"] for error, name in worst], headers=["row", "error"], tablefmt="github"
                ),
            ]
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
