"""What a plan says in one phrase each: used by its table and by its page."""

from typing import Any

from planner.plan_document import Plan, ReplicaPlan
from planner.report.pools import worker_speed
from planner.units import count

_UNITS = {"cost": "$/h", "gpus": "GPUs", "latency": "ms an answer", "throughput": "output tokens/s"}
_NAMED = 4


def headline(plan: Plan) -> str:
    """`optimal: 8 GPUs on 1 node, $55.04 an hour ($40,179 a month)`."""
    if plan.status == "infeasible":
        return "infeasible"
    parts = [f"{count(plan.gpus_used, 'GPU')} on {count(plan.nodes_used, 'node')}"]
    if plan.cost_usd_per_hour is not None:
        parts.append(f"${plan.cost_usd_per_hour:,.2f} an hour (${plan.cost_usd_per_month or 0:,.0f} a month)")
    if plan.cost_usd_per_million_output_tokens is not None:
        parts.append(f"${plan.cost_usd_per_million_output_tokens:,.2f} a million output tokens")
    return f"{plan.status}: {', '.join(parts)}"


def proof(plan: Plan) -> str:
    """`5 GPUs, bound 5, gap 0.00% (MathOpt/SCIP; 40 layouts, 5 after dominance)`."""
    unit, value, bound = _UNITS[plan.objective.name], plan.objective.value, plan.objective.bound
    reached = "-" if value is None else f"{value:g}"
    unit = "GPU" if (unit, value) == ("GPUs", 1) else unit
    shown = "-" if bound is None else f"{bound:g}"
    gap = "-" if plan.objective.gap is None else f"{plan.objective.gap:.2%}"
    seconds = f" in {plan.solve.seconds:g} s" if plan.solve.seconds is not None else ""
    kept = f"{plan.solve.shapes_considered:,} layouts, {plan.solve.shapes_kept:,} after dominance"
    return f"{reached} {unit}, bound {shown}, gap {gap} ({plan.solve.solver}{seconds}; {kept})"


def alternative(entry: dict[str, Any]) -> str:
    """`TP8 on 8 x h100-sxm5-80gb: $55.04 an hour`."""
    cost = entry.get("usd_per_hour")
    return f"{entry['layout']} on {entry['gpus']} x {entry['gpu']}" + (
        "" if cost is None else f": ${cost:,.2f} an hour"
    )


def speed(replica: ReplicaPlan) -> str:
    """`first token 535.6 ms, 61.49 ms a token, 1,010 output tokens/s (fitted on this GPU)`; empty where unknown."""
    found, able = replica.speed, replica.capacity.requests_per_second
    if found is None:
        return ""
    carries = f", carries {able:,.4g} requests/s" if able is not None else ""
    if replica.phase is not None:
        return f"{worker_speed(replica)}{carries} ({found['provenance']})"
    return (
        f"first token {found['ttft_ms']:,.4g} ms, {found['tpot_ms']:,.4g} ms a token,"
        f" {found['output_tokens_per_s']:,.4g} output tokens/s{carries} ({found['provenance']})"
    )


def on_nodes(names: list[str]) -> str:
    """`node0, node1`, cut to a few."""
    names = list(dict.fromkeys(names))
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def rented(plan: Plan) -> list[dict[str, Any]]:
    """A row for each kind of node in use: how many, what, where and for how much; the price is that of all of them."""
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for node in plan.nodes:
        gpus = list(node.gpus.values())
        row = rows.setdefault(
            (node.instance, node.region, node.spot, tuple(gpus), node.gpus_used, node.usd_per_hour),
            {
                "count": 0,
                "what": node.instance or node.name,
                "where": " ".join([*([node.region] if node.region else []), *(["spot"] if node.spot else [])]) or "-",
                "gpus": " + ".join(f"{gpus.count(kind)}x {kind}" for kind in dict.fromkeys(gpus)),
                "used": f"{node.gpus_used} of {len(gpus)}",
                "usd_per_hour": None,
            },
        )
        row["count"] += 1
        if node.usd_per_hour is not None:
            row["usd_per_hour"] = (row["usd_per_hour"] or 0.0) + node.usd_per_hour
    return list(rows.values())
