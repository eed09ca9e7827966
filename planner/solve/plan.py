"""The `plan` verb: the cheapest feasible layout of a model on an inventory, with proof."""

import time
from pathlib import Path
from typing import Literal

from planner.engines import find_engine
from planner.engines.profile import Engine
from planner.errors import BadInput
from planner.fleet.inventory import Inventory, load_inventory
from planner.layout import Limits
from planner.models.model import Model
from planner.models.source import load_model
from planner.plan_document import (
    Capacity,
    Deployment,
    DeviceLines,
    Objective,
    Plan,
    ReplicaPlan,
    SolveRecord,
    StagePlan,
)
from planner.request import ModelRequest, Request
from planner.solve.dominance import undominated
from planner.solve.infeasible import explain
from planner.solve.node_class import node_classes
from planner.solve.placement import Slot, place
from planner.solve.programme import solve
from planner.solve.shape import Shape, Shapes, enumerate_shapes
from planner.workload import Workload


def plan(
    model: str | Path,
    on: str | Path,
    *,
    context: int | None = None,
    concurrency: int = 1,
    engine: str = "vllm",
    limits: Limits | None = None,
    objective: Literal["cost", "gpus"] | None = None,
    timed: bool = False,
) -> Plan:
    """Plan one model on one inventory; raises BadInput, never raises for an infeasible request."""
    workload = Workload.parse({"context": context, "concurrency": concurrency}, where="workload")
    wanted = ModelRequest(model=str(model), engine=engine, workload=workload, limits=limits or Limits())
    return answer(Request(models=[wanted], on=str(on), objective=objective), timed=timed)


def answer(request: Request, *, timed: bool = False) -> Plan:
    """Answer a request for one model."""
    if len(request.models) != 1:
        raise BadInput(f"lists {len(request.models)} models", where="request", field="models", expected="one model")
    started = time.perf_counter()
    wanted = request.models[0]
    inventory = load_inventory(request.on)
    by_cost = inventory.priced if request.objective is None else request.objective == "cost"
    if by_cost and not inventory.priced:
        raise BadInput("objective 'cost' needs a price on every node", where=request.on, expected="usd_per_hour")
    engine, model = find_engine(wanted.engine), load_model(wanted.model)
    _refuse_beyond_model(model, wanted)
    shapes = enumerate_shapes(model, engine, wanted.workload, wanted.limits, inventory)
    kept = undominated(shapes.fitting)
    classes = node_classes(inventory.nodes)
    solution = solve(kept, classes, wanted.workload.concurrency, by_cost=by_cost) if kept else None
    record = SolveRecord(
        seconds=round(time.perf_counter() - started, 3) if timed else None,
        solver="MathOpt/SCIP" if kept else "none: no layout fits",
        shapes_considered=shapes.considered,
        shapes_kept=len(kept),
    )
    name: Literal["cost", "gpus"] = "cost" if by_cost else "gpus"
    assumptions = [*inventory.assumptions, *model.assumptions]
    if not inventory.priced:
        assumptions.append("no prices in the inventory: the plan with the fewest GPUs is the cheapest")
    if solution is None:
        return Plan(
            status="infeasible",
            objective=Objective(name=name, value=None, bound=None, gap=None),
            cost_usd_per_hour=None,
            gpus_used=0,
            nodes_used=0,
            deployments=[],
            explanation=explain(request, model, engine, inventory, shapes),
            assumptions=assumptions,
            solve=record,
            request=request,
        )
    placed = place(kept, classes, solution)
    replicas = [_replica(shape, slots) for shape, slots in placed]
    nodes = {slot.node.name: slot.node for _, slots in placed for slot in slots}
    gap = 0.0 if solution.optimal else (solution.value - solution.bound) / max(solution.value, 1e-9)
    return Plan(
        status="optimal" if solution.optimal else "feasible",
        objective=Objective(
            name=name,
            value=solution.value,
            bound=solution.value if solution.optimal else solution.bound,
            gap=gap,
        ),
        cost_usd_per_hour=sum(node.usd_per_hour or 0.0 for node in nodes.values()) if inventory.priced else None,
        gpus_used=sum(shape.gpus for shape, _ in placed),
        nodes_used=len(nodes),
        deployments=[
            Deployment(model=model.name, engine=engine.name, engine_version=engine.version, replicas=replicas)
        ],
        explanation=_explain_choice(placed, shapes, wanted),
        alternatives=_alternatives(shapes, placed, wanted),
        assumptions=assumptions,
        solve=record,
        request=request,
    )


def _replica(shape: Shape, slots: list[Slot]) -> ReplicaPlan:
    return ReplicaPlan(
        layout=shape.layout,
        stages=[
            StagePlan(devices=slot.devices, gpu=shape.gpu.slug, layers=shape.layout.stage_layers(stage))
            for stage, slot in enumerate(slots)
        ],
        per_device=[DeviceLines(**device.document()) for device in shape.bill.per_device],
        capacity=Capacity(sequences=shape.sequences, kv_cache_tokens=shape.bill.kv_cache_tokens),
    )


def _refuse_beyond_model(model: Model, wanted: ModelRequest) -> None:
    context = wanted.workload.context
    if context and context > model.max_context:
        raise BadInput(
            f"is {context}",
            where=wanted.model,
            field="context",
            expected=f"at most the model's {model.max_context} tokens",
        )


def _explain_choice(placed: list[tuple[Shape, list[Slot]]], shapes: Shapes, wanted: ModelRequest) -> list[str]:
    carried = sum(shape.sequences for shape, _ in placed)
    return [
        f"{len(placed)} replica{'s' if len(placed) > 1 else ''} hold {carried:,} sequences at once;"
        f" {wanted.workload.concurrency:,} were asked for",
        f"{len(shapes.fitting):,} of {shapes.considered:,} splits hold at least one sequence",
    ]


def _alternatives(
    shapes: Shapes, placed: list[tuple[Shape, list[Slot]]], wanted: ModelRequest, most: int = 3
) -> list[dict[str, object]]:
    """Other layouts of a single replica that carry the whole load, by GPUs."""
    chosen = {id(shape) for shape, _ in placed}
    able = [s for s in shapes.fitting if s.sequences >= wanted.workload.concurrency and id(s) not in chosen]
    able.sort(key=lambda s: (s.gpus, -s.headroom, s.gpu.slug, s.layout.label()))
    return [
        {"layout": s.layout.label(), "gpu": s.gpu.slug, "gpus": s.gpus, "sequences": s.sequences} for s in able[:most]
    ]


__all__ = ["Engine", "Inventory", "answer", "plan"]
