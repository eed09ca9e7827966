"""Write the plan document of an answer."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice
from typing import Any

from planner.engines import local_profile
from planner.engines.unbilled import unbilled
from planner.fleet.inventory import Inventory
from planner.fleet.node_uses import node_uses
from planner.phase import PHASES
from planner.plan_document import Deployment, Objective, Plan, SolveRecord
from planner.solve.capacity import MILLI, held_sequences
from planner.solve.explain.alternatives import alternatives
from planner.solve.explain.clash import clash, taken_alone
from planner.solve.explain.fixes import fixes, priced
from planner.solve.explain.outlook import outlook
from planner.solve.explain.shortfall import shortfall
from planner.solve.explain.survival_price import survival_prices
from planner.solve.idle_gpus import idle_gpus
from planner.solve.node_class import MICRO
from planner.solve.phase_cover import carried_together
from planner.solve.phases import pool_remarks
from planner.solve.placement import Placed, place
from planner.solve.pool_pairs import pool_pairs
from planner.solve.problem import FAR_PARTS, FAR_PARTS_OF_MANY, Problem
from planner.solve.replica_speed import replica_speeds
from planner.solve.replica_writer import ReplicaWriter, write_replica
from planner.solve.shape import Shape
from planner.solve.shared_gpus import SHARED, shared_gpus
from planner.solve.solution import Solution
from planner.speed.price_of_tokens import a_million_tokens, a_month
from planner.speed.traffic import traffic
from planner.units import count
from planner.workload import Workload

_PARTS = {FAR_PARTS: "a tenth", FAR_PARTS_OF_MANY: "a quarter"}
"""What even one of so many parts of a load is called."""


def write_plan(problem: Problem, solution: Solution, seconds: float | None) -> Plan:
    """Place the replicas of a solution and write everything down."""
    placed = place(problem.classes, problem.rules, solution)
    outcome = solution.outcome
    scale = MICRO if problem.objective == "cost" else 1
    nodes = {name: node for replica in placed for name, node in replica.nodes.items()}
    gpus = len({device for replica in placed for device in replica.devices})
    cost = plan_cost(placed) if problem.inventory.priced else None
    taken = gpus if problem.objective == "gpus" else round((cost or 0) * MICRO)
    value = max(outcome.bound, min(outcome.value, taken))  # a solve that was ended may count what no replica uses
    gap = (value - outcome.bound) / value if value else 0.0
    return Plan(
        status="optimal" if value == outcome.bound else "feasible",
        objective=Objective(
            name=problem.objective,
            value=value / scale,
            bound=outcome.bound / scale,
            gap=gap,
        ),
        cost_usd_per_hour=cost,
        cost_usd_per_month=a_month(cost),
        cost_usd_per_million_output_tokens=a_million_tokens(problem.request, cost),
        gpus_used=gpus,
        nodes_used=len(nodes),
        nodes=node_uses(problem.inventory, [device for replica in placed for device in replica.devices]),
        deployments=[_deployment(problem, position, placed) for position in range(len(problem.request.models))],
        explanation=[
            *_explain(problem, placed),
            *survival_prices(problem, value),
            *shared_gpus(placed),
            *idle_gpus(placed),
        ],
        alternatives=alternatives(problem, {replica.shape.label for replica in placed}),
        outlook=outlook(problem, solution),
        assumptions=[*_assumptions(problem), *_lengths(problem)],
        solve=_record(problem, outcome.solver, seconds),
        request=problem.request,
    )


def plan_cost(placed: Sequence[Placed]) -> float:
    """Price of the nodes and the GPUs in use, USD an hour."""
    nodes = {name: node for replica in placed for name, node in replica.nodes.items()}
    total = sum(Fraction(str(node.usd_per_hour or 0)) for node in nodes.values())
    gpus = {(slot.node.name, gpu) for replica in placed for slot in replica.slots for gpu in slot.gpus}
    return float(total + sum(Fraction(str(nodes[name].usd_per_gpu_hour or 0)) for name, _ in gpus))


def write_infeasible(problem: Problem, seconds: float | None) -> Plan:
    """Say what clashes, how far it is from fitting, and what would do."""
    narrow = problem if problem.rules.gpus is None else replace(problem, narrow=True)
    narrow = replace(narrow, dense=True) if narrow.far else narrow
    tried = narrow if narrow.dense else problem
    places, blamed = clash(narrow)
    lines = []
    for position in places:
        mine = {requirement.kind for requirement in blamed if requirement.model == position}
        if mine or (not blamed and len(places) == 1):
            count_of_gpus = problem.inventory.gpu_count
            lines += shortfall(problem.request.models[position], tried.shapes[position], count_of_gpus, mine)
    lines += taken_alone(problem, places)
    if blamed:
        lines.append("these cannot be had together: " + "; ".join(requirement.text for requirement in blamed))
    if parts := next((parts for parts in _PARTS if parts >= narrow.far_parts and narrow.beyond_a_part(parts)), None):
        lines.append(f"not even {_PARTS[parts]} of the load could be carried by all these GPUs, whatever the layout")
    found = [priced(narrow, fix) for fix in fixes(narrow, places, blamed)]
    lines += [f"would do: {entry['text']}{_price(entry)}" for entry in found]
    return Plan(
        status="infeasible",
        objective=Objective(name=problem.objective, value=None, bound=None, gap=None),
        cost_usd_per_hour=None,
        gpus_used=0,
        nodes_used=0,
        deployments=[],
        explanation=lines,
        fixes=found,
        assumptions=_assumptions(problem),
        solve=_record(tried, "MathOpt/SCIP" if tried.kept else "none: no layout fits", seconds),
        request=problem.request,
    )


def _price(entry: dict[str, Any]) -> str:
    if entry["usd_per_hour"] is not None:
        return f": {'about ' if entry.get('about') else ''}${entry['usd_per_hour']:,.2f} an hour"
    added = entry.get("usd_per_hour_added")
    return "" if added is None else f": about ${added:,.2f} an hour more"


def _record(problem: Problem, solver: str, seconds: float | None) -> SolveRecord:
    return SolveRecord(
        seconds=seconds,
        solver=solver,
        shapes_considered=problem.considered,
        shapes_kept=len(problem.kept),
    )


def _deployment(problem: Problem, position: int, placed: Sequence[Placed]) -> Deployment:
    writer = ReplicaWriter(problem.inventory)
    mine = [replica for replica in placed if replica.shape.wanted == position]
    variant = mine[0].shape.variant
    shapes = [writer.seated(replica) for replica in mine]
    speeds = replica_speeds(shapes, problem.request.models[position].workload)
    return Deployment(
        model=variant.model.name,
        engine=variant.engine.name,
        engine_version=variant.engine.version,
        source=variant.source or problem.request.models[position].model,
        quantized_on_load=variant.on_load,
        changes=list(variant.changes),
        replicas=[write_replica(*parts) for parts in zip(mine, shapes, speeds, strict=True)],
        pools=pool_pairs(shapes, problem.request.models[position].workload),
    )


def _assumptions(problem: Problem) -> list[str]:
    lines = [*problem.inventory.assumptions, *local_profile.remarks()]
    for ways in problem.variants:
        lines += [line for variant in ways for line in variant.model.assumptions]
        lines += [line for variant in ways for line in unbilled(variant.engine.name, variant.limits.options)]
    if not problem.inventory.priced:
        lines.append("no prices in the inventory: the plan with the fewest GPUs is the cheapest")
    elif unpriced := list(islice(_unpriced(problem.inventory), 4)):
        lines.append(
            f"no price for {', '.join(unpriced[:3])}{' ...' if len(unpriced) > 3 else ''}: counted as paid for"
        )
    apart = sum(node_class.count for node_class in problem.classes)
    if apart < sum(group.count for group in problem.inventory.groups):
        lines.append(f"each node counts for itself: only {apart:,} of the nodes that may be rented were considered")
    for wanted in problem.request.models:
        lines += pool_remarks(wanted)
    if any(wanted.allow.share_gpus for wanted in problem.request.models):
        lines += SHARED
    return list(dict.fromkeys(lines))


def _unpriced(inventory: Inventory) -> Iterator[str]:
    """Names of nodes without a price."""
    for group in inventory.groups:
        if not group.like.priced:
            yield from (group.name(index) for index in range(group.count))


def _lengths(problem: Problem) -> list[str]:
    """The lengths that the speed is for, where the request gives none."""
    return list(dict.fromkeys(line for model in problem.request.models for line in traffic(model.workload).assumptions))


def _explain(problem: Problem, placed: Sequence[Placed]) -> list[str]:
    lines = []
    for position, wanted in enumerate(problem.request.models):
        mine = [replica.shape for replica in placed if replica.shape.wanted == position]
        found = problem.shapes[position]
        able = sum(shape.phase is None for shape in found.fitting)
        name = f"{wanted.model}: " if len(problem.request.models) > 1 else ""
        lines.append(
            f"{name}{_counted(mine)}: {_carried(mine, wanted.workload)};"
            f" {able:,} of {found.considered:,} layouts were worth trying and carry at least one"
        )
    return lines


def _counted(shapes: Sequence[Shape]) -> str:
    """`2 replicas`, `2 prefill workers, 1 decode worker`."""
    by_phase = Counter(shape.phase for shape in shapes)
    words = [count(by_phase[None], "replica")] if by_phase[None] else []
    words += [count(by_phase[phase], f"{phase} worker") for phase in PHASES if by_phase[phase]]
    return ", ".join(words)


def _carried(shapes: Sequence[Shape], workload: Workload) -> str:
    """`room for 80 sequences at once (64 asked for), 21.3 requests/s within the targets (20 asked for)`."""
    held = sum(held_sequences(shape.layout, shape.bill) for shape in shapes if shape.phase != "prefill")
    parts = [f"room for {count(held, 'sequence')} at once ({workload.concurrency:,} asked for)"]
    within = " within the targets" if workload.has_targets else ""
    asked = {"requests": workload.requests_per_second, "tokens": workload.tokens_per_second}
    for need, words in (("requests", "requests/s"), ("tokens", "output tokens/s")):
        if asked[need] is not None:
            able = carried_together([(shape.phase, shape.way, shape.capacity) for shape in shapes], need) / MILLI
            parts.append(f"{able:,.4g} {words}{within} ({asked[need]:,g} asked for)")
    return ", ".join(parts)
