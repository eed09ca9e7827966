"""The `frontier` verb: layouts that no other beats in cost, throughput and latency at once."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from planner.engines import local_profile
from planner.errors import BadInput
from planner.layout import Limits
from planner.request import ModelRequest, Request
from planner.solve.capacity import held_sequences
from planner.solve.problem import Problem, read_problem
from planner.solve.shape import Shape
from planner.speed.predict import predict
from planner.speed.traffic import traffic
from planner.workload import Workload, refuse_longer_requests

_ALL_THAT_FIT = 1_000_000


@dataclass(frozen=True)
class Point:
    """One replica with so many requests always in flight.

    `cost` is dollars an hour where prices are known, else the number of GPUs. `answer_seconds` is the mean time from
    a request to the end of its answer.
    """

    layout: str
    gpu: str
    gpus: int
    cost: float
    in_flight: int
    ttft_ms: float
    tpot_ms: float
    answer_seconds: float
    output_tokens_per_s: float
    usd_per_million_output_tokens: float | None
    provenance: str


def frontier(
    model: str | Path, on: str, *, workload: Workload | None = None, engine: str = "vllm", limits: Limits | None = None
) -> dict[str, Any]:
    """Return the non-dominated points of one replica of the model; raises BadInput.

    Every legal layout is loaded with 1, 2, 4 ... requests at a time, up to what its memory holds. The targets of
    the workload leave points out; its concurrency and rates play no part.
    """
    asked = workload or Workload()
    refuse_longer_requests(asked, str(model))
    unmeasured = {"concurrency": _ALL_THAT_FIT, "requests_per_second": None, "tokens_per_second": None}
    load = asked.model_copy(update=unmeasured | {"ttft_ms": None, "tpot_ms": None, "answer_ms": None})
    wanted = ModelRequest(model=str(model), engine=engine, workload=load, limits=limits or Limits())
    problem = read_problem(Request(models=[wanted], on=on))
    targets = asked.model_copy(update=unmeasured | {"concurrency": 1})
    points = [point for shape in problem.shapes[0].fitting for point in _points(problem, shape, targets)]
    variant = problem.variants[0][0]
    unit = "usd_per_hour" if problem.inventory.priced else "gpus"
    return {
        "model": variant.model.name,
        "engine": variant.engine.name,
        "engine_version": variant.engine.version,
        "cost_unit": unit,
        "considered": len(points),
        "points": [_rounded(point) for point in undominated(points)],
        "assumptions": [*variant.model.assumptions, *traffic(asked).assumptions, *local_profile.remarks()],
    }


def undominated(points: Iterable[Point]) -> list[Point]:
    """Return the points that no other equals or beats in cost, answer time and throughput; cheapest first."""
    kept: list[Point] = []
    for point in sorted(points, key=lambda p: (p.cost, p.answer_seconds, -p.output_tokens_per_s, p.layout, p.gpu)):
        worse = (
            other.answer_seconds <= point.answer_seconds and other.output_tokens_per_s >= point.output_tokens_per_s
            for other in kept
        )
        if not any(worse):
            kept.append(point)
    return kept


def _points(problem: Problem, shape: Shape, targets: Workload) -> Iterator[Point]:
    held, cost = held_sequences(shape.layout, shape.bill), _cost(problem, shape)
    priced = problem.inventory.priced
    in_flight = 1
    while in_flight <= held:
        load = targets.model_copy(update={"concurrency": in_flight})
        try:
            speed = predict(shape.variant.model, shape.layout, shape.sites, shape.variant.engine, load)
        except BadInput:
            return
        if not speed.meets_targets:
            return
        yield Point(
            layout=shape.layout.label(),
            gpu=" + ".join(gpu.slug for gpu in shape.gpu_kinds),
            gpus=shape.gpus,
            cost=cost,
            in_flight=in_flight,
            ttft_ms=speed.ttft_ms,
            tpot_ms=speed.tpot_ms,
            answer_seconds=speed.answer_ms(load) / 1000,
            output_tokens_per_s=speed.output_tokens_per_s,
            usd_per_million_output_tokens=cost / speed.output_tokens_per_s / 3600 * 1e6 if priced else None,
            provenance=str(speed.provenance),
        )
        in_flight = min(2 * in_flight, held) if in_flight < held else held + 1


def _cost(problem: Problem, shape: Shape) -> float:
    """Dollars an hour at each GPU's share of its node, on the cheapest nodes that have such GPUs; else GPUs."""
    if not problem.inventory.priced:
        return float(shape.gpus)
    return sum(_gpu_price(problem, slot.island.gpu.slug) * slot.size for slot in shape.slots)


def _gpu_price(problem: Problem, slug: str) -> float:
    nodes = [group.example for group in problem.classes if any(gpu.slug == slug for gpu in group.example.gpus)]
    return min((node.usd_per_hour or 0.0) / len(node.gpus) + (node.usd_per_gpu_hour or 0.0) for node in nodes)


def _rounded(point: Point) -> dict[str, Any]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in asdict(point).items()}
