"""The figures of the whole plan: GPUs, nodes, cost, what may be spent, and what is claimed as proven."""

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import inf

from planner.audit.subject import Subject
from planner.errors import UnknownName
from planner.fleet.inventory import Inventory
from planner.fleet.node_uses import node_uses
from planner.plan_document import Plan
from planner.speed.price_of_tokens import a_million_tokens, a_month

_CENT = 1e-6
"""Dollars an hour by which a written cost may differ from the exact one."""
_GAP = 1e-9


def total_findings(plan: Plan, subjects: Sequence[Subject], inventory: Inventory) -> Iterator[str]:
    """Yield totals that are not what the replicas add up to, and limits that they break."""
    used = Counter(device for subject in subjects for device in subject.devices)
    filled: Counter[str] = Counter()
    for stage in (stage for subject in subjects for stage in subject.replica.stages):
        for device in stage.devices:
            filled[device] += stage.share_percent or 100
    for device, percent in filled.items():
        if percent > 100:
            yield f"{device}: used {used[device]} times, {percent} % of it in all"
    nodes = {name: node for subject in subjects for name, node in subject.nodes(inventory).items()}
    if plan.gpus_used != len(used):
        yield f"gpus_used is {plan.gpus_used} and the replicas use {len(used)}"
    if plan.nodes_used != len(nodes):
        yield f"nodes_used is {plan.nodes_used} and the replicas use {len(nodes)}"
    if plan.request.max_gpus is not None and len(used) > plan.request.max_gpus:
        yield f"{len(used)} GPUs are used, at most {plan.request.max_gpus} asked for"
    cost, stated = float(plan_cost(inventory, used)), plan.cost_usd_per_hour
    if inventory.priced != (stated is not None) or (stated is not None and abs(stated - cost) > _CENT):
        yield f"cost_usd_per_hour is {stated} in the plan and {cost if inventory.priced else None} recomputed"
    month, tokens = a_month(stated), a_million_tokens(plan.request, stated)
    if plan.cost_usd_per_month != month or plan.cost_usd_per_million_output_tokens != tokens:
        yield f"the cost is not ${month} a month and ${tokens} a million output tokens, as it would be"
    if plan.request.max_usd_per_hour is not None and not inventory.priced:
        yield f"at most ${plan.request.max_usd_per_hour:,.2f} an hour are asked for, and nothing has a price"
    if plan.request.max_usd_per_hour is not None and cost > plan.request.max_usd_per_hour + _CENT:
        yield f"${cost:,.2f} an hour, at most ${plan.request.max_usd_per_hour:,.2f} asked for"
    if plan.nodes and plan.nodes != node_uses(
        inventory, [device for subject in subjects for device in subject.devices]
    ):
        yield "nodes are not those that the inventory has under the devices in use"
    yield from _proof(plan, len(used), cost)


def plan_cost(inventory: Inventory, devices: Sequence[str] | Counter[str]) -> Fraction:
    """Price of the GPUs in use and of their nodes, USD an hour."""
    nodes, total = {}, Fraction(0)
    for device in devices:
        try:
            node, _ = inventory.locate(device)
        except UnknownName:
            continue
        nodes[node.name] = node
        total += Fraction(str(node.usd_per_gpu_hour or 0))
    return total + sum(Fraction(str(node.usd_per_hour or 0)) for node in nodes.values())


def _proof(plan: Plan, gpus: int, cost: float) -> Iterator[str]:
    """The value is what the plan reaches, and the bound lies on its better side.

    Objectives of speed are a part of the request that the plan answers: the loads are recomputed under them.
    """
    objective = plan.objective
    loads = [wanted.workload for wanted in plan.request.models]
    truth = {
        "cost": cost,
        "gpus": float(gpus),
        "latency": max((load.answer_ms or inf for load in loads), default=0.0),
        "throughput": sum(load.tokens_per_second or 0.0 for load in loads),
    }[objective.name]
    if objective.value is None or abs(objective.value - truth) > _CENT * max(1.0, abs(truth)):
        yield f"objective.value is {objective.value} in the plan and {truth:g} recomputed"
        return
    beyond = (objective.bound or 0.0) - objective.value
    if objective.name == "throughput":
        beyond = -beyond
    if objective.bound is not None and beyond > _CENT:
        yield f"objective.bound {objective.bound:g} lies on the wrong side of the value {objective.value:g}"
    elif plan.status == "optimal" and (objective.bound is None or -beyond > _CENT):
        yield f"status is optimal with a value of {objective.value:g} and a bound of {objective.bound}"
    gap = abs(objective.value - (objective.bound or 0.0)) / abs(objective.value) if objective.value else 0.0
    if objective.bound is not None and (objective.gap is None or abs(objective.gap - gap) > _GAP):
        yield f"objective.gap is {objective.gap} in the plan and {gap:g} recomputed"
