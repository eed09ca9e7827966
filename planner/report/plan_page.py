"""A plan as one HTML page that needs nothing else: the answer, memory bars of every stage, proof and commands."""

from importlib.resources import files
from typing import Any

from planner.errors import BadInput
from planner.plan_document import DeviceLines, Plan, ReplicaPlan
from planner.report.pools import holds, kind_of, pool_line
from planner.units import count, gib

PARTS = (
    ("weights", "weights_bytes", "#4063a0"),
    ("KV cache", "kv_cache_bytes", "#69a56c"),
    ("activations", "activation_bytes", "#d9a441"),
    ("CUDA graphs", "cuda_graph_bytes", "#a8719c"),
    ("other", "non_torch_bytes", "#8a8a8a"),
)
"""What a bar is made of: its name, its line of the bill and its colour."""


def plan_page(plan: Plan) -> str:
    """Return the page; raises BadInput, with what to install, where jinja2 is missing."""
    try:
        from jinja2 import Environment, StrictUndefined
    except ImportError:
        raise BadInput("the page needs jinja2", expected="pip install 'gpuplan[report]'") from None
    template = files("planner.report").joinpath("plan_page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"gib": gib, "count": count, "holds": holds, "pool_line": pool_line}
    return environment.from_string(template).render(
        plan=plan,
        parts=PARTS,
        deployments=[(deployment, _alike(deployment.replicas)) for deployment in plan.deployments],
        commands=_commands(plan),
    )


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
    shares = [(name, colour, size, 100 * size / line.device_bytes) for name, size, colour in _sizes(line)]
    return {"line": line, "shares": shares, "usable": 100 * line.usable_bytes / line.device_bytes}


def _sizes(line: DeviceLines) -> list[tuple[str, int, str]]:
    return [(name, getattr(line, key), colour) for name, key, colour in PARTS]


def _commands(plan: Plan) -> list[str]:
    from planner.export.lines import lines

    return list(lines(plan)) if plan.status != "infeasible" else []
