"""How the solver scales: many models on thousands of nodes of fourteen classes, from a seed.

python -m benchmarks.scale --models 50 --nodes 2000 --seed 1
"""

import argparse
import json
import random
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from planner.fleet.inventory import Inventory, load_inventory
from planner.fleet.node import Node
from planner.memory.kv_cache import token_bytes
from planner.models.source import load_model
from planner.request import ModelRequest, Request
from planner.solve.cheapest import cheapest
from planner.solve.known import Known
from planner.solve.node_class import MICRO, node_classes
from planner.solve.outcome import Effort, Progress
from planner.solve.placement import place
from planner.solve.problem import Problem
from planner.solve.solution import read_solution
from planner.solve.variant import variants
from planner.workload import Workload

CLASSES = (
    ("8xh100-sxm5-80gb", 24.0),
    ("8xh200-sxm5-141gb", 30.4),
    ("8xa100-sxm4-80gb", 14.4),
    ("8xa100-sxm4-40gb", 11.2),
    ("8xb200-sxm-180gb", 44.8),
    ("8xmi300x", 20.8),
    ("8xl40s", 9.6),
    ("4xl40s", 5.0),
    ("8xl4", 5.6),
    ("4xl4", 2.9),
    ("8xrtx-4090", 4.8),
    ("8xa10g", 8.1),
    ("4xa100-pcie-80gb", 6.6),
    ("8xt4", 3.9),
)
"""Nodes of eight and four GPUs, USD an hour for the whole node."""

MODELS = (
    "llama-3.3-70b",
    "llama-3.1-8b",
    "llama-3.1-405b",
    "qwen3-32b",
    "qwen3-14b",
    "qwen3-8b",
    "qwen3-4b",
    "qwen2.5-72b-instruct",
    "qwen2.5-7b-instruct",
    "mixtral-8x7b-v0.1",
    "mixtral-8x22b-v0.1",
    "qwen3-30b-a3b",
    "qwen3-235b-a22b",
    "gemma-2-27b-it",
    "gpt-oss-20b",
    "gpt-oss-120b",
    "deepseek-v2-lite",
    "mistral-large-instruct-2407",
    "mistralai/Mistral-7B-v0.1",
    "phi-4",
    "phi-3-medium-4k-instruct",
    "yi-34b",
    "c4ai-command-r-v01",
    "glm-4-9b-0414",
    "olmo-2-0325-32b",
)
FILL = 0.55
"""Share of the fleet's memory that the caches of all models ask for."""


def inventory(nodes: int, dice: random.Random) -> Inventory:
    """Nodes of the fourteen classes in random shares, at prices within a tenth of the usual."""
    shares = [dice.uniform(0.4, 1.6) for _ in CLASSES]
    counts = [max(1, round(nodes * share / sum(shares))) for share in shares]
    counts[0] += nodes - sum(counts)
    made: list[Node] = []
    for (text, usd), count in zip(CLASSES, counts, strict=True):
        like = load_inventory(text).nodes[0]
        price = round(usd * dice.uniform(0.9, 1.1), 2)
        made += [replace(like, name=f"{text}-{number}", usd_per_hour=price) for number in range(count)]
    return Inventory(tuple(made), f"{nodes} nodes of seed")


def request(models: int, fleet: Inventory, dice: random.Random) -> Request:
    """Loads whose caches together fill the given share of the fleet's memory."""
    memory = sum(gpu.memory_bytes for node in fleet.nodes for gpu in node.gpus)
    names = [MODELS[number % len(MODELS)] for number in range(models)]
    shares = [dice.lognormvariate(0, 1) for _ in names]
    asked = []
    for name, share in zip(names, shares, strict=True):
        model = load_model(name)
        context = min(model.max_context, dice.choice((2048, 4096, 8192, 16384)))
        dtype = model.dtype
        per_token = sum(token_bytes(layer.attention, 1, dtype) for layer in model.layers if layer.attention)
        room = memory * FILL * share / sum(shares)
        concurrency = max(1, int(room / (per_token * context)))
        asked.append(ModelRequest(model=name, workload=Workload(context=context, concurrency=concurrency)))
    return Request(models=asked, on="generated")


def run(models: int, nodes: int, seed: int, gap: float, seconds: float) -> dict[str, float | str | int | None]:
    """Solve one instance and place it on named devices; returns times in seconds and the proof."""
    dice = random.Random(seed)
    fleet = inventory(nodes, dice)
    asked = request(models, fleet, dice)
    started, known = time.perf_counter(), Known()
    problem = Problem(
        asked,
        fleet,
        tuple(node_classes(fleet.groups, networked=False)),
        tuple(tuple(variants(wanted, lookups=known.lookups)) for wanted in asked.models),
        known,
    )
    thin, outcome = cheapest(problem, Effort(gap=gap, seconds=seconds, watch=_show if sys.stderr.isatty() else None))
    solved = time.perf_counter()
    placed = [] if outcome.values is None else place(thin.classes, thin.rules, read_solution(thin.programme, outcome))
    ended = time.perf_counter()
    devices = [device for replica in placed for device in replica.devices]
    assert len(set(devices)) == len(devices), "a device is used twice"
    return {
        "models": models,
        "nodes": nodes,
        "gpus": fleet.gpu_count,
        "classes": len(problem.classes),
        "seed": seed,
        "layouts": thin.considered,
        "columns": len(thin.kept),
        "replicas": len(placed),
        "solve_s": round(solved - started, 2),
        "placement_s": round(ended - solved, 2),
        "total_s": round(ended - started, 2),
        "usd_per_hour": outcome.value / MICRO if outcome.values else None,
        "gap_percent": round(100 * (outcome.value - outcome.bound) / outcome.value, 4) if outcome.values else None,
        "solver": outcome.solver,
        "peak_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def _show(progress: Progress) -> None:
    print(f"{progress.seconds:7.1f} s  {progress.value}  bound {progress.bound}", file=sys.stderr)


def main(words: Sequence[str] | None = None) -> None:
    """Solve one instance and print its record as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--models", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60, help="limit of the solve")
    parser.add_argument("--gap", type=float, default=5e-4)
    chosen = parser.parse_args(words)
    print(json.dumps(run(chosen.models, chosen.nodes, chosen.seed, chosen.gap, chosen.seconds), indent=1))


if __name__ == "__main__":
    main()
