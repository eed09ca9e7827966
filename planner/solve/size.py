"""The `size` verb: how many GPUs of each kind a model needs, what binds, and what one step more buys."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.confidence import CONFIDENCE
from planner.engines import local_profile
from planner.errors import AmbiguousName
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import find_gpu, gpus
from planner.fleet.inventory import load_inventory
from planner.fleet.limits import MOST_NODES
from planner.layout import Limits
from planner.request import ModelRequest, Request
from planner.solve.capacity import held_sequences, needs_speed
from planner.solve.explain.added_gpus import USUAL_NODE
from planner.solve.explain.gpu_price import gpu_price
from planner.solve.explain.shortfall import shortfall
from planner.solve.load_knob import load_knob, most_carried
from planner.solve.node_class import node_class
from planner.solve.outcome import Effort
from planner.solve.problem import Problem, read_problem
from planner.solve.replica_speed import replica_speeds
from planner.solve.shape import Shape
from planner.solve.solution import Solution, read_solution, solve
from planner.speed.traffic import traffic
from planner.units import count, gib
from planner.workload import Workload, describe_targets, refuse_longer_requests

COMMON = (
    "l4",
    "l40s",
    "rtx-4090",
    "a100-sxm4-40gb",
    "a100-sxm4-80gb",
    "h100-sxm5-80gb",
    "h200-sxm5-141gb",
    "b200-sxm-180gb",
    "mi300x",
)


def size(
    model: str | Path,
    gpu: list[str] | None = None,
    *,
    workload: Workload | None = None,
    context: int | None = None,
    concurrency: int = 1,
    engine: str = "vllm",
    limits: Limits | None = None,
    confidence: float = CONFIDENCE,
) -> dict[str, Any]:
    """Return the least count for each kind; a name that leaves the memory size open is answered for each size."""
    workload = workload or Workload.parse({"context": context, "concurrency": concurrency}, where="workload")
    wanted = ModelRequest(model=str(model), engine=engine, workload=workload, limits=limits or Limits())
    refuse_longer_requests(workload, str(model))
    kinds, assumptions = _kinds(gpu or list(COMMON))
    answers = [_answer(wanted, kind, confidence) for kind in kinds]
    answers.sort(key=_cheapest_first)
    variant = read_problem(Request(models=[wanted], on=f"1x{kinds[0].slug}")).variants[0][0]
    return {
        "model": variant.model.name,
        "engine": variant.engine.name,
        "engine_version": variant.engine.version,
        "workload": workload.model_dump(),
        "sizes": answers,
        "assumptions": [
            *assumptions,
            f"nodes of {USUAL_NODE} GPUs; $/h at the lowest on-demand price of such a GPU in the price lists",
            *variant.model.assumptions,
            *(traffic(workload).assumptions if needs_speed(workload) else ()),
            *local_profile.remarks(),
        ],
    }


def _cheapest_first(answer: Mapping[str, Any]) -> tuple[bool, bool, float, int]:
    """Kinds that will do, of those the ones with a price, by price, by GPUs."""
    price, gpus_needed = answer["usd_per_hour"], answer["gpus"]
    return gpus_needed is None, price is None, price or 0.0, gpus_needed or 0


def _kinds(names: list[str]) -> tuple[list[Gpu], list[str]]:
    found: dict[str, Gpu] = {}
    notes: list[str] = []
    for name in names:
        try:
            gpu, assumed = find_gpu(name)
            found[gpu.slug] = gpu
            notes += assumed
        except AmbiguousName as several:
            found |= {slug: gpus()[slug] for slug in several.candidates}
            notes.append(f"GPU {name!r} read as each of {', '.join(several.candidates)}")
    return list(found.values()), notes


def _answer(wanted: ModelRequest, gpu: Gpu, confidence: float) -> dict[str, Any]:
    problem = _endless(wanted, gpu, confidence)
    least = _solve(problem)
    if least is None:
        why = shortfall(wanted, problem.shapes[0], MOST_NODES * USUAL_NODE)
        return {
            "gpu": gpu.slug,
            "gpus": None,
            "usd_per_hour": None,
            "layout": None,
            "replicas": 0,
            "sequences": 0,
            "carries": None,
            "binds": why[0],
            "next": None,
        }
    needed = least.outcome.value
    most = most_carried(problem, 0, needed) or 0
    return {
        "gpu": gpu.slug,
        "gpus": needed,
        "usd_per_hour": _price(problem, gpu, needed),
        "layout": _describe(least),
        "replicas": sum(copies for _, copies in least.replicas),
        "sequences": _sequences(least),
        "carries": load_knob(wanted.workload).describe(most),
        "binds": _binds(least, wanted.workload),
        "next": _next(problem, gpu, most),
    }


def _price(problem: Problem, gpu: Gpu, number: int) -> float | None:
    """USD an hour for so many GPUs of a kind; None where no list has a price."""
    each = gpu_price(problem.inventory, gpu.slug)
    return None if each is None else round(each * number, 2)


def _endless(wanted: ModelRequest, gpu: Gpu, confidence: float) -> Problem:
    """As many nodes of the kind as one may want."""
    text = f"{USUAL_NODE}x{gpu.slug}"
    node = load_inventory(text).nodes[0]
    problem = read_problem(Request(models=[wanted], on=text, objective="gpus", confidence=confidence))
    return replace(problem, classes=(node_class((node,), MOST_NODES),))


def _solve(problem: Problem) -> Solution | None:
    outcome = solve(problem.programme, "gpus", Effort())
    return None if outcome.values is None else read_solution(problem.programme, outcome)


def _next(problem: Problem, gpu: Gpu, most: int) -> dict[str, Any] | None:
    """The next larger fleet that carries more, and how much."""
    knob = load_knob(problem.request.models[0].workload)
    larger = problem.asking(knob.turned(problem.request, 0, most + 1))
    found = _solve(larger)
    if found is None:
        return None
    needed = found.outcome.value
    return {
        "gpus": needed,
        "usd_per_hour": _price(problem, gpu, needed),
        "layout": _describe(found),
        "sequences": _sequences(found),
        "carries": knob.describe(most_carried(larger, 0, needed) or 0),
    }


def _sequences(solution: Solution) -> int:
    """Full-length sequences that all replicas hold at once."""
    return sum(copies * held_sequences(shape.layout, shape.bill) for shape, copies in solution.replicas)


def _describe(solution: Solution) -> str:
    """`2 x TP8 + 1 x TP4`."""
    counts: Counter[str] = Counter()
    for shape, copies in solution.replicas:
        counts[shape.layout.label()] += copies
    return " + ".join(f"{copies} x {label}" for label, copies in counts.items())


def _binds(solution: Solution, workload: Workload) -> str:
    shape = max(solution.replicas, key=lambda item: item[1] * item[0].gpus)[0]
    if needs_speed(workload):
        (speed,) = replica_speeds([shape], workload)
        if speed:
            return _binding_speed(shape, speed, workload)
    device = max(shape.bill.per_device, key=lambda line: line.weights_bytes)
    part = "weights" if 2 * device.weights_bytes > device.usable_bytes else "KV cache"
    weights, cache, usable = gib(device.weights_bytes), gib(device.kv_cache_bytes), gib(device.usable_bytes)
    return f"{part}: {weights} weights, {cache} cache of {usable} usable"


def _binding_speed(shape: Shape, speed: Mapping[str, Any], workload: Workload) -> str:
    """Targets bind where a replica could run more requests at once than it may."""
    held = held_sequences(shape.layout, shape.bill)
    targets = describe_targets(workload)
    running, provenance = speed["in_flight"], speed["provenance"]
    if targets and running < held:
        what = f"latency: {' and '.join(targets)} leave {count(running, 'request')} in flight of room for {held:,}"
    else:
        what = f"throughput: {count(running, 'request')} in flight, all that fit"
    return f"{what} on {shape.label} ({provenance})"
