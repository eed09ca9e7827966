"""A plan as one HTML page that needs nothing else: the answer, topology, memory bars, proof and commands."""

from importlib.resources import files
from typing import Any

from planner import __version__
from planner.errors import BadInput
from planner.plan_document import DeviceLines, Plan, ReplicaPlan
from planner.report.plan_words import alternative, headline, on_nodes, proof, rented, speed
from planner.report.pools import holds, kind_of, pool_line
from planner.report.topology_picture import topology
from planner.units import count, gib
from planner.workload import describe

PARTS = (
    ("weights", "weights_bytes"),
    ("KV cache", "kv_cache_bytes"),
    ("activations", "activation_bytes"),
    ("CUDA graphs", "cuda_graph_bytes"),
    ("other", "non_torch_bytes"),
)
"""What a bar is made of: its name and its line of the bill."""


def plan_page(plan: Plan) -> str:
    """Return the page; raises BadInput, with what to install, where jinja2 is missing."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise BadInput("the page needs jinja2", expected="pip install 'gpuplan[report]'") from None
    template = files("planner.report").joinpath("plan_page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "gib": gib,
        "count": count,
        "holds": holds,
        "pool_line": pool_line,
        "speed": speed,
        "alternative": alternative,
        "on_nodes": on_nodes,
    }
    return environment.from_string(template).render(
        plan=plan,
        version=__version__,
        title=headline(plan),
        asked=[(wanted.model, describe(wanted.workload)) for wanted in plan.request.models],
        tiles=_tiles(plan),
        proof=proof(plan) if plan.objective.bound is not None else "",
        nodes=topology(plan),
        rented=rented(plan) if plan.cost_usd_per_hour is not None else [],
        parts=[name for name, _ in PARTS],
        deployments=[(deployment, _alike(deployment.replicas)) for deployment in plan.deployments],
        commands=_commands(plan),
    )


def _tiles(plan: Plan) -> list[tuple[str, str]]:
    """The figures that one looks for first."""
    if plan.status == "infeasible":
        return []
    found = [
        ("GPU" if plan.gpus_used == 1 else "GPUs", f"{plan.gpus_used:,}"),
        ("node" if plan.nodes_used == 1 else "nodes", f"{plan.nodes_used:,}"),
    ]
    if plan.cost_usd_per_hour is not None:
        found += [("an hour", f"${plan.cost_usd_per_hour:,.2f}"), ("a month", f"${plan.cost_usd_per_month or 0:,.0f}")]
    if plan.cost_usd_per_million_output_tokens is not None:
        found.append(("a million output tokens", f"${plan.cost_usd_per_million_output_tokens:,.2f}"))
    replicas = [replica for deployment in plan.deployments for replica in deployment.replicas]
    whole = [replica.speed for replica in replicas if replica.phase is None]
    speeds = [entry for entry in whole if entry]
    if speeds and len(speeds) == len(replicas):
        found += [
            ("to the first token", f"{max(entry['ttft_ms'] for entry in speeds):,.0f} ms"),
            ("a token after it", f"{max(entry['tpot_ms'] for entry in speeds):,.3g} ms"),
            ("output tokens a second", f"{sum(entry['output_tokens_per_s'] for entry in speeds):,.0f}"),
        ]
    return found


def _alike(replicas: list[ReplicaPlan]) -> list[dict[str, Any]]:
    """Replicas with one layout on one kind of GPUs together, each group with the bars of its stages."""
    groups: dict[str, list[tuple[int, ReplicaPlan]]] = {}
    for number, replica in enumerate(replicas):
        kinds = [stage.gpu for stage in replica.stages]
        groups.setdefault(f"{kind_of(replica)} on {', '.join(dict.fromkeys(kinds))}", []).append((number, replica))
    return [
        {"name": name, "replicas": group, "first": first, "bars": [_bar(line) for line in _fullest(first)]}
        for name, group in groups.items()
        for _, first in group[:1]
    ]


def _fullest(replica: ReplicaPlan) -> list[DeviceLines]:
    """The rank of each stage that has the least left."""
    stages: dict[int, DeviceLines] = {}
    for line in replica.per_device:
        if line.stage not in stages or line.total_bytes > stages[line.stage].total_bytes:
            stages[line.stage] = line
    return [stages[stage] for stage in sorted(stages)]


def _bar(line: DeviceLines) -> dict[str, Any]:
    sizes = [(name, getattr(line, key)) for name, key in PARTS]
    shares = [(name, size, 100 * size / line.device_bytes) for name, size in sizes]
    said = ", ".join(f"{name} {gib(size)}" for name, size in sizes)
    return {"line": line, "shares": shares, "said": said, "usable": 100 * line.usable_bytes / line.device_bytes}


def _commands(plan: Plan) -> dict[str, list[str]]:
    from planner.export.lines import lines

    return lines(plan) if plan.status != "infeasible" else {}
