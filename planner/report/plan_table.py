"""The text of `gpuplan plan`."""

from itertools import groupby

from tabulate import tabulate

from planner.plan_document import Deployment, Plan, ReplicaPlan, StagePlan
from planner.report.bill_table import bill_table
from planner.report.notes import head, join, notes
from planner.report.plan_words import alternative, headline, on_nodes, proof, rented, speed
from planner.report.pools import holds, kind_of, pool_line
from planner.units import count, gib


def plan_table(plan: Plan) -> str:
    """Return the plan as text: the answer, where it runs, the bill, the proof, the command."""
    if plan.status == "infeasible":
        reasons = [line for line in plan.explanation if not line.startswith("would do: ")]
        fixes = [line.removeprefix("would do: ") for line in plan.explanation if line.startswith("would do: ")]
        return join(
            headline(plan), notes("because", reasons), notes("would do", fixes), notes("assumed", plan.assumptions)
        )
    return join(
        head(headline(plan)),
        _rented(plan),
        *(_deployment(deployment) for deployment in plan.deployments),
        head(f"proof: {proof(plan)}"),
        notes("why", plan.explanation),
        notes("since the earlier plan", _moves(plan)),
        notes("what would change it", [entry["text"] for entry in plan.outlook]),
        notes("next best", [alternative(entry) for entry in plan.alternatives]),
        notes("assumed", plan.assumptions),
        _commands(plan),
    )


def _rented(plan: Plan) -> str:
    """The nodes with what they cost; nothing where none has a price."""
    if plan.cost_usd_per_hour is None:
        return ""
    rows = [
        [row["count"], row["what"], row["where"], row["gpus"], row["used"], _usd(row["usd_per_hour"])]
        for row in rented(plan)
    ]
    return tabulate(
        rows,
        headers=["", "node", "region", "GPUs", "used", "$/h"],
        tablefmt="simple",
        colalign=("right", "left", "left", "left", "right", "right"),
        maxcolwidths=[None, 24, 11, 16, None, None],
        disable_numparse=True,
    )


def _usd(price: float | None) -> str:
    return "-" if price is None else f"{price:,.2f}"


def _deployment(deployment: Deployment) -> str:
    parts = [f"{deployment.model} on {deployment.engine} {deployment.engine_version}"]
    if deployment.changes:
        parts.append(notes("changed, as the request allows", deployment.changes))
    alike: dict[str, list[tuple[int, ReplicaPlan]]] = {}
    for number, replica in enumerate(deployment.replicas):
        alike.setdefault(f"{kind_of(replica)} {_gpus(replica)}", []).append((number, replica))
    for group in alike.values():
        first = group[0][1]
        title = f"{len(group)} x {kind_of(first)} on {_gpus(first)}, each {holds(first)}"
        told = f"speed under its part of the load: {speed(first)}" if first.speed else ""
        parts.append("\n".join(part for part in (head(title), _stages(group), head(told)) if part))
        parts.append(bill_table([device.model_dump() for device in first.per_device]))
    parts += [pool_line(pair) for pair in deployment.pools]
    return "\n\n".join(parts)


def _gpus(replica: ReplicaPlan) -> str:
    return " + ".join(dict.fromkeys(stage.gpu for stage in replica.stages))


def _stages(group: list[tuple[int, ReplicaPlan]]) -> str:
    """A row a stage; the GPU kind has a column where it is not the same for all."""
    kinds = {stage.gpu for _, replica in group for stage in replica.stages}
    rows = [
        [number, place, _devices(stage), *([stage.gpu] if len(kinds) > 1 else []), _layers(stage.layers)]
        for number, replica in group
        for place, stage in enumerate(replica.stages)
    ]
    headers = ["replica", "stage", "devices", *(["GPU"] if len(kinds) > 1 else []), "layers"]
    widths = [None, None, 28 if len(kinds) > 1 else 46, *([18] if len(kinds) > 1 else []), None]
    return tabulate(rows, headers=headers, tablefmt="simple", maxcolwidths=widths)


def _layers(layers: tuple[int, int]) -> str:
    return f"{layers[0]}-{layers[1]}"


def _devices(stage: StagePlan) -> str:
    """`node0/gpu0-3`, `node0/gpu0,2,4`, several nodes after each other; `node0/gpu0 (35 %)` for a share."""
    devices, parts = stage.devices, []
    if stage.share_percent is not None:
        return f"{devices[0]} ({stage.share_percent} %)"
    for node, names in groupby(devices, key=lambda device: device.rpartition("/")[0]):
        locals_ = [name.rpartition("/")[2] for name in names]
        numbers = [int(name[3:]) for name in locals_ if name.startswith("gpu") and name[3:].isdigit()]
        if len(numbers) < len(locals_):
            parts.append(f"{node}/{','.join(locals_)}")
        elif len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            parts.append(f"{node}/gpu{numbers[0]}-{numbers[-1]}")
        else:
            parts.append(f"{node}/gpu{','.join(map(str, numbers))}")
    return " ".join(parts)


def _moves(plan: Plan) -> list[str]:
    """`2 replicas stay where they are`, and what ends and starts."""
    if plan.moves is None:
        return []
    moves = plan.moves
    lines = [f"{count(moves.kept, 'replica')} {'stays' if moves.kept == 1 else 'stay'} in place"]
    lines += [f"ends: {text}" for text in moves.stopped]
    lines += [f"starts: {text}" for text in moves.started]
    return [*lines, f"{gib(moves.bytes_to_load)} of weights to load"]


def _commands(plan: Plan) -> str:
    """Each command, under the names of its nodes where there are several nodes."""
    from planner.export.lines import lines

    if plan.nodes_used == 1:
        return "\n".join(["serve with:", *(f"  {line}" for line in lines(plan))])
    return "\n".join(
        text for line, nodes in lines(plan).items() for text in (head(f"serve on {on_nodes(nodes)} with:"), f"  {line}")
    )
