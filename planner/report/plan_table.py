"""The text of `gpuplan plan`."""

from tabulate import tabulate

from planner.plan_document import Deployment, Plan, ReplicaPlan
from planner.report.bill_table import bill_table
from planner.report.notes import join, notes
from planner.report.pools import holds, kind_of, pool_line, worker_speed
from planner.units import count, gib

_UNITS = {"cost": "$/h", "gpus": "GPUs", "latency": "ms an answer", "throughput": "output tokens/s"}


def plan_table(plan: Plan) -> str:
    """Return the plan as text: the answer, where it runs, the bill, the proof, the command."""
    if plan.status == "infeasible":
        return join("infeasible", notes("because", plan.explanation), notes("assumed", plan.assumptions))
    return join(
        _headline(plan),
        *(_deployment(deployment) for deployment in plan.deployments),
        _proof(plan),
        notes("why", plan.explanation),
        notes("since the earlier plan", _moves(plan)),
        notes("what would change it", [entry["text"] for entry in plan.outlook]),
        _alternatives(plan),
        notes("assumed", plan.assumptions),
        _commands(plan),
    )


def _headline(plan: Plan) -> str:
    price = ""
    if plan.cost_usd_per_hour is not None:
        price = f", ${plan.cost_usd_per_hour:,.2f} an hour (${plan.cost_usd_per_month or 0:,.0f} a month)"
    if plan.cost_usd_per_million_output_tokens is not None:
        price += f", ${plan.cost_usd_per_million_output_tokens:,.2f} a million output tokens"
    return f"{plan.status}: {count(plan.gpus_used, 'GPU')} on {count(plan.nodes_used, 'node')}{price}"


def _deployment(deployment: Deployment) -> str:
    alike: dict[str, list[ReplicaPlan]] = {}
    for replica in deployment.replicas:
        alike.setdefault(f"{kind_of(replica)} {replica.stages[0].gpu}", []).append(replica)
    parts = [f"{deployment.model} on {deployment.engine} {deployment.engine_version}"]
    if deployment.changes:
        parts.append(notes("changed, as the request allows", deployment.changes))
    for replicas in alike.values():
        first = replicas[0]
        numbers = [number for number, replica in enumerate(deployment.replicas) if any(replica is r for r in replicas)]
        rows = [
            [number, stage, _devices(part.devices), part.gpu, f"{part.layers[0]}-{part.layers[1]}"]
            for number, replica in zip(numbers, replicas, strict=True)
            for stage, part in enumerate(replica.stages)
        ]
        parts.append(
            f"{len(replicas)} x {kind_of(first)}, each {holds(first)}\n"
            + tabulate(rows, headers=["replica", "stage", "devices", "GPU", "layers"], tablefmt="simple")
        )
        if first.speed:
            parts[-1] += f"\n{_speed(first)}"
        parts.append(bill_table([device.model_dump() for device in first.per_device]))
    parts += [pool_line(pair) for pair in deployment.pools]
    return "\n\n".join(parts)


def _speed(replica: ReplicaPlan) -> str:
    speed, able = replica.speed or {}, replica.capacity.requests_per_second
    carries = f", carries {able:,.4g} requests/s" if able is not None else ""
    if replica.phase is not None:
        return f"speed under its part of the load: {worker_speed(replica)}{carries} ({speed['provenance']})"
    return (
        f"speed under its part of the load: first token {speed['ttft_ms']:,.4g} ms, {speed['tpot_ms']:,.4g} ms a token,"
        f"\n{speed['output_tokens_per_s']:,.4g} output tokens/s{carries} ({speed['provenance']})"
    )


def _devices(devices: list[str]) -> str:
    node = devices[0].partition("/")[0]
    numbers = [device.rpartition("gpu")[2] for device in devices]
    if all(device.startswith(node + "/") for device in devices):
        return f"{node}/gpu{numbers[0]}" + (f"-{numbers[-1]}" if len(numbers) > 1 else "")
    return ", ".join(devices)


def _proof(plan: Plan) -> str:
    unit = _UNITS[plan.objective.name]
    record = plan.solve
    seconds = f" in {record.seconds:g} s" if record.seconds is not None else ""
    return (
        f"proof: {plan.objective.value:g} {unit}, bound {plan.objective.bound:g}, gap {plan.objective.gap:.2%}"
        f" ({record.solver}{seconds}; {record.shapes_considered} layouts, {record.shapes_kept} after dominance)"
    )


def _moves(plan: Plan) -> list[str]:
    """`2 replicas stay where they are`, and what ends and starts."""
    if plan.moves is None:
        return []
    moves = plan.moves
    lines = [f"{count(moves.kept, 'replica')} {'stays' if moves.kept == 1 else 'stay'} in place"]
    lines += [f"ends: {text}" for text in moves.stopped]
    lines += [f"starts: {text}" for text in moves.started]
    return [*lines, f"{gib(moves.bytes_to_load)} of weights to load"]


def _alternatives(plan: Plan) -> str:
    lines = [f"{a['layout']} on {a['gpus']} x {a['gpu']}" for a in plan.alternatives]
    return notes("next best", lines)


def _commands(plan: Plan) -> str:
    from planner.export.lines import lines

    return "serve with:\n" + "\n".join(f"  {line}" for line in lines(plan))
