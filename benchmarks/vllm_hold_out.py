"""Write vllm_hold_out.md: what the fitted constants of vLLM's memory give on runs that they were not fitted to.

usage: python -m benchmarks.vllm_hold_out RUNS.json... [-o benchmarks/vllm_hold_out.md]

Each constant of `terms.yaml` that was fitted is fitted again without the runs of one model, of one family of models,
and of one source, and those runs are predicted with it: activation and graphs by a search along one constant after the
other, what lies outside PyTorch by the median of its cell. A constant that is no more than a memory of the rows shows.
Verdicts are those of the family's runs with constants that knew none of it. Constants that rest on one family alone are
taken away altogether, one after the other: what their own rows would then be told.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tabulate import tabulate

from planner.backtest.readers import reader_of
from planner.backtest.replay import replay
from planner.backtest.run import Replay, Run
from planner.backtest.score import quantile
from planner.confidence import CONFIDENCE
from planner.data_files import read_json
from planner.engines.vllm.activation import activation
from planner.engines.vllm.card_memory import later_communicators, non_torch_bytes, wiring
from planner.engines.vllm.fused_sums import fused_sums_bytes
from planner.engines.vllm.graph_memory import graph_bytes
from planner.engines.vllm.profile import of_version
from planner.engines.vllm.release import Version
from planner.engines.vllm.stage_memory import StageMemory, forget_lines, stage_memory
from planner.engines.vllm.terms import terms
from planner.engines.vllm.weight_types import WeightTypes
from planner.errors import BadInput
from planner.units import GIB

FITTED: Mapping[str, tuple[str, ...]] = {
    "activation": ("base", "hidden_copies", "sort_bytes", "fused_bytes"),
    "graphs": ("base", "layer_mib", "chosen_expert_mib", "latent_layer_mib", "split_factor"),
}
LINES = {"activation": "activation_peak_gib", "graphs": "cuda_graph_gib", "non_torch": "non_torch_gib"}
POOL = "kv_cache_gib_per_gpu"
FACTORS = (1.0, 0.5, 0.8, 0.9, 0.95, 0.98, 1.02, 1.05, 1.1, 1.25, 2.0)


@dataclass(frozen=True)
class Logged:
    """A run: its lines, how those that hang on constants are computed anew, what was logged, its non-torch cell.

    `reckoned` is what its non-torch line has beside the cell, GiB. `foreseen` tells whether what the engine leaves for
    graphs is part of the activation it logs, as it is from 0.27 on; `whole` whether it logs its terms and its pool.
    """

    name: str
    model: str
    family: str
    source: str
    lines: StageMemory
    anew: Mapping[str, Callable[[], int]]
    measured: Mapping[str, float]
    cell: tuple[str, str]
    reckoned: float = 0.0
    foreseen: bool = False
    whole: bool = False

    def predicted(self, line: str) -> float:
        """GiB of a line, or of the pool, with the constants as they are."""
        if line == "activation" and self.foreseen:
            return (self.anew["activation"]() + self._anew().estimated_graphs) / GIB
        return self.anew[line]() / GIB if line != "pool" else self._anew().pool / GIB

    def _anew(self) -> StageMemory:
        return replace(self.lines, **{name: size() for name, size in self.anew.items()})

    def error(self, line: str, metric: str) -> float | None:
        """Relative error of a line, where it was logged; a pool below zero has none, as in scores."""
        logged = self.measured.get(metric)
        return abs(self.predicted(line) - logged) / logged if logged and logged > 0 else None


@dataclass(frozen=True)
class Judged:
    """A run whose outcome is known; `row` is what it is replayed from."""

    name: str
    family: str
    row: Mapping[str, Any]
    folder: Path
    worked: bool

    def fits(self) -> bool:
        """What we say with the constants as they are."""
        return replay(reader_of("vllm").read(self.row), self.folder, CONFIDENCE).fits


ALONE: Mapping[tuple[str, ...], tuple[Any, str]] = {
    ("activation", "encoder_bound"): (1.0, "how far a vision tower may go beyond what is expected"),
    ("activation", "amd_logits_bound"): (1.0, "indexer logits of AMD GPUs beyond what the source shows"),
    ("graphs", "v0_latent_layer_mib"): (0.0, "graphs of latent attention in v0"),
    ("graphs", "captured_sum_mib"): (0.0, "sums in graphs"),
    ("early_pieces_bands", "graphs", "share"): (0.1, "graphs of several ranks in 0.8"),
    ("after_pool", "quantized_expert_warm_up"): (0.0, "warm-up of MXFP4 experts"),
}
"""Constants that one family of models fixed, what they are without it, and what they mean."""


def main() -> None:
    """Fit, hold out, write."""
    options = argparse.ArgumentParser()
    options.add_argument("runs", type=Path, nargs="+")
    options.add_argument("-o", "--output", type=Path, default=Path(__file__).with_suffix(".md"))
    asked = options.parse_args()
    logged = [one for path in asked.runs for one in _logged(path)]
    judged = [one for path in asked.runs for one in _judged(path)]
    asked.output.write_text(_page(logged, judged), encoding="utf-8")


def _logged(path: Path) -> Iterator[Logged]:
    for row in read_json(path):
        try:
            run = reader_of("vllm").read(row)
            found = replay(run, path.parent, 0.5)
        except (BadInput, KeyError, ValueError):
            continue
        measured = _scored(run)
        if found.refusals or not any(metric in measured for metric in LINES.values()):
            continue
        site = run.devices.sites(found.layout.pipeline_parallel_size)[0]
        version = Version.parse(found.engine.version)
        rules = of_version(found.engine.version).rules(found.layout.options, site.gpu)
        stage = run.rank // max(1, found.layout.gpus_per_stage)

        lines = stage_memory(found.model, found.layout, stage, 0, site, rules, version)
        sized = found.model, found.layout, stage, site.gpu.silicon, rules, version
        beyond = lines.graphs - graph_bytes(*sized)
        card = found.model, found.layout, site, rules, found.device.weights_bytes
        served = WeightTypes.of(found.model, found.layout, version).served
        how = found.model, found.layout, stage, site.gpu.silicon, rules, version, served
        anew = {
            "activation": partial(_total, *how),
            "graphs": partial(_graphs, beyond, *sized),
            "non_torch": partial(_non_torch, lines.non_torch - non_torch_bytes(*card), *card),
        }
        source = str(row.get("source") or "").split("run log")[0].split("http")[0].strip() or "unnamed"
        joined = wiring(found.layout, site)
        later = later_communicators(found.model, found.layout, site, rules)
        cell = rules.non_torch, f"{joined} and communicators" if later else joined
        fused = fused_sums_bytes(found.model, found.layout, site, rules) / GIB
        family = found.model.model_type
        counted = rules.standing_charged and lines.graphs_in_fraction
        whole = LINES["activation"] in measured and POOL in measured
        if rules.generation == "v0":
            measured = _of_first_rank(found, measured)
        yield Logged(run.id, found.model.name, family, source, lines, anew, measured, cell, fused, counted, whole)


def _scored(run: Run) -> dict[str, float]:
    """What was logged, but for what hangs on flags that are not known."""
    numbers = {name: float(value) for name, value in run.measured.items() if isinstance(value, int | float)}
    return {name: value for name, value in numbers.items() if name not in run.unscored}


_OF_ONE_RANK = 0.05
"""Share by which the tokens of the tightest rank may lie below what the pool of the first holds."""


def _of_first_rank(found: Replay, measured: Mapping[str, float]) -> dict[str, float]:
    """What v0 logged of the first rank.

    Each rank logs a pool of its own, and the blocks are those of the tightest: the first, which alone samples
    (model_executor/layers/logits_processor.py, 0.7.2: logits are gathered to the driver). Where a pool holds more than
    the tokens beside it, it is of another rank, and the first has what those tokens take.
    """
    tokens, pool, ours = measured.get("kv_cache_tokens"), measured.get(POOL), found.bill.kv_cache_tokens
    if not tokens or not pool or found.layout.tensor_parallel_size == 1 or ours <= 0:
        return dict(measured)
    if (first := tokens * found.device.kv_cache_bytes / ours / GIB) < pool * (1 - _OF_ONE_RANK):
        return {name: value for name, value in measured.items() if name != LINES["activation"]} | {POOL: first}
    return dict(measured)


def _total(*how: Any) -> int:
    return activation(*how).total


def _non_torch(standing: int, *how: Any) -> int:
    return standing + non_torch_bytes(*how)


def _graphs(beyond: int, *how: Any) -> int:
    return beyond + graph_bytes(*how)


def _judged(path: Path) -> Iterator[Judged]:
    for row in read_json(path):
        try:
            run = reader_of("vllm").read(row)
            found = replay(run, path.parent, CONFIDENCE)
        except (BadInput, KeyError, ValueError):
            continue
        if run.fits is not None and run.devices.sized:
            yield Judged(run.id, found.model.model_type, row, path.parent, run.fits)


@contextmanager
def _constants(changed: Mapping[tuple[str, ...], Any]) -> Iterator[None]:
    before = {key: _section(key)[key[-1]] for key in changed}
    for key, value in changed.items():
        _section(key)[key[-1]] = value
    try:
        yield
    finally:
        for key, value in before.items():
            _section(key)[key[-1]] = value


def _section(key: tuple[str, ...]) -> dict[str, Any]:
    found = terms(key[0])
    for name in key[1:-1]:
        found = found[name]
    return found


def _wrong(rows: Sequence[Judged], changed: Mapping[tuple[str, ...], Any]) -> list[Judged]:
    """Runs that are told wrong with these constants."""
    forget_lines()
    with _constants(changed):
        found = [row for row in rows if row.fits() != row.worked]
    forget_lines()
    return found


def _fit(rows: Sequence[Logged]) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for line, names in FITTED.items():
        used = [row for row in rows if row.measured.get(LINES[line])]
        for name in names:
            now = terms(line)[name]
            tried = {now * factor: _loss(used, line, found | {(line, name): now * factor}) for factor in FACTORS}
            found[line, name] = min(tried, key=tried.__getitem__)
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if (value := row.measured.get("non_torch_gib")) is not None:
            table[row.cell[0]][row.cell[1]].append(value - row.reckoned)
    for column, places in table.items():
        found["non_torch", column] = terms("non_torch")[column] | {
            place: median(all_) for place, all_ in places.items()
        }
    return found


def _loss(rows: Sequence[Logged], line: str, changed: Mapping[tuple[str, ...], Any]) -> float:
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
            whole = line != "pool" or row.whole
            if whole and (error := row.error(line, metric)) is not None:
                errors[line].append((error, row.name))
    return errors


def _page(rows: Sequence[Logged], judged: Sequence[Judged]) -> str:
    ways = {
        "fitted to all": _errors(rows),
        "without the model": _held_out(rows, lambda row: row.model),
        "without its family": _held_out(rows, lambda row: row.family),
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
    worst = sorted(ways["without its family"]["pool"], reverse=True)[:8]
    sources = len({row.source for row in rows})
    return (
        "\n\n".join(
            [
                "# Constants of vLLM's memory, held out",
                "Generated by `python -m benchmarks.vllm_hold_out`: absolute errors relative to what was logged, "
                f"{len(rows)} runs of {len({row.model for row in rows})} models from {sources} sources. The pool is "
                "that of runs whose log has its terms.",
                tabulate(table, headers=heads, tablefmt="github"),
                "Pools furthest off without their family:",
                tabulate(
                    [[name, f"{error:.1%}"] for error, name in worst], headers=["row", "error"], tablefmt="github"
                ),
                "## Verdicts",
                *_verdicts(rows, judged),
            ]
        )
        + "\n"
    )


def _verdicts(rows: Sequence[Logged], judged: Sequence[Judged]) -> Iterator[str]:
    failed = [row for row in judged if not row.worked]
    told = []
    for family in dict.fromkeys(row.family for row in judged):
        fitted = _fit([row for row in rows if row.family != family])
        told += _wrong([row for row in judged if row.family == family], fitted)
    now = _wrong(judged, {})
    table = [
        [
            way,
            f"{sum(not row.worked for row in wrong)} of {len(failed)}",
            f"{sum(row.worked for row in wrong)} of {len(judged) - len(failed)}",
        ]
        for way, wrong in (("as they are", now), ("fitted without the family", told))
    ]
    yield tabulate(table, headers=["constants", "failed, said to fit", "worked, said not to"], tablefmt="github")
    changed = [row.name for row in told if row not in now]
    yield f"Told wrong without their family only: {', '.join(changed) or 'none'}."
    yield "Constants that rest on one family, taken away:"
    alone = []
    for key, (value, meaning) in ALONE.items():
        lost = [row.name for row in _wrong(failed, {key: value})]
        alone.append([meaning, ", ".join(lost) or "none"])
    yield tabulate(alone, headers=["constant", "failed runs that would be said to fit"], tablefmt="github")


if __name__ == "__main__":
    main()
