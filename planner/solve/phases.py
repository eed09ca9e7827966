"""Workers of prefill and decode pools, made from the layouts that fit: what each carries in its phase."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor

from planner.engines import find_engine
from planner.engines.phase_options import PHASE_OPTIONS, can_separate, with_phase
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.site import Site
from planner.layout import Layout
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.phase import PHASES, Phase
from planner.request import ModelRequest
from planner.solve.capacity import MILLI, Capacity, arrives, held_sequences, needs, needs_speed
from planner.solve.kv_way import KvWay, Onward, kv_ways
from planner.solve.shape import Shape
from planner.speed.phase_rates import DecodeWorker, PrefillWorker, worker
from planner.speed.pool_basis import pool_remark
from planner.speed.traffic import traffic
from planner.workload import Workload


def may_separate(wanted: ModelRequest) -> bool:
    """Whether pools are tried: where they are allowed, speed is asked for, and answers go on after the first token.

    A time for the whole answer cannot be divided between them.
    """
    load = wanted.workload
    return wanted.allow.disaggregation and needs_speed(load) and load.answer_ms is None and traffic(load).steps > 0


def refuse_impossible(wanted: ModelRequest) -> None:
    """Raise BadInput where pools are allowed and no engine of the request runs any."""
    engines = (wanted.engine, *wanted.allow.engines)
    if wanted.allow.disaggregation and not any(find_engine(engine).name in PHASE_OPTIONS for engine in engines):
        problem = f"is not modelled for {' and '.join(engines)}"
        raise BadInput(problem, where=wanted.model, field="allow.disaggregation", expected=" or ".join(PHASE_OPTIONS))


def pool_remarks(wanted: ModelRequest) -> list[str]:
    """Return what a plan must say of pools where they are allowed."""
    if not wanted.allow.disaggregation:
        return []
    if wanted.workload.answer_ms is not None:
        return ["prefill and decode pools were not tried: the time of a whole answer is not divided between them"]
    if not may_separate(wanted):
        return ["prefill and decode pools were not tried: no rate or latency is asked for that they could help with"]
    return [
        pool_remark(),
        "caches are sent when the prompt is computed, none of it earlier; what the library that sends them holds on"
        " the GPU is not in the bill",
    ]


def phase_shapes(shape: Shape, workload: Workload, onward: Onward) -> Iterator[Shape]:
    """Yield the workers of either phase that a replica's layout makes, on each way that caches may go."""
    variant, engine = shape.variant, shape.variant.engine
    if not can_separate(engine.name, shape.layout) or len(shape.slots) != 1:
        return
    carried: dict[object, Capacity] = {}
    for way in kv_ways(shape.slots[0].island, onward):
        for phase in PHASES:
            key = way if phase == "prefill" else phase
            if key not in carried:
                carried[key] = phase_capacity(
                    variant.model, shape.layout, shape.sites, engine, workload, shape.bill, phase, way
                )
            if any(carried[key].values()):
                layout = with_phase(engine.name, shape.layout, phase)
                yield replace(shape, layout=layout, capacity=carried[key], phase=phase, way=way)


def phase_capacity(
    model: Model,
    layout: Layout,
    sites: tuple[Site, ...],
    engine: Engine,
    workload: Workload,
    bill: Bill,
    phase: Phase,
    way: KvWay,
) -> Capacity:
    """Return what a worker carries of each thing that `needs` asks for, within the target of its phase.

    Sequences are held by those that decode. `requests` of a prefill worker are what it can compute in thousandths a
    second; those of a decode worker what it can answer, or without a rate, where `concurrency` requests are always
    in flight, what its sequences will ask of the prefill workers.
    """
    nothing = dict.fromkeys([*needs(workload), "requests"], 0)
    if any(not site.gpu.memory_bandwidth_gbps for site in sites):
        return nothing
    load, pool = traffic(workload), worker(layout, sites)
    ttft, tpot = (target / 1000 if target else None for target in (workload.ttft_ms, workload.tpot_ms))
    held = 0
    if phase == "prefill":
        rate = PrefillWorker(model, pool, engine, load, way.link, way.gbps).most(ttft, bill.kv_cache_tokens)
        requests = floor(rate * MILLI)
    else:
        able, held = DecodeWorker(model, pool, engine, load), held_sequences(layout, bill)
        running = able.most_sequences(tpot)
        if not arrives(workload):
            running = held = min(running, held, workload.concurrency)
        rate = able.rate(running)
        requests = floor(rate * MILLI) if arrives(workload) else ceil(rate * MILLI)
    if not requests:
        return nothing
    found = {"sequences": held, "requests": requests}
    if workload.tokens_per_second is not None:
        found["tokens"] = floor(rate * load.output * MILLI)
    return found
