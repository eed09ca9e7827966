"""The README of a bundle: what runs where, on which ports, and how to check it."""

from collections.abc import Mapping, Sequence

from planner.export.service import Service, services
from planner.plan_document import Plan
from planner.units import count

HEALTH = {"vllm": "/health", "sglang": "/health", "trtllm": "/health", "llamacpp": "/health"}
LOGGED = {
    "vllm": "`GPU KV cache size: {tokens:,} tokens`",
    "trtllm": "`max tokens in paged KV cache ({tokens})`",
    "sglang": "`max_total_num_tokens={tokens}`",
}


def readme(plan: Plan, target: str, names: Sequence[str], start: str, endpoints: Mapping[str, str]) -> str:
    """Return the text; `start` says how the files are used, `endpoints` gives host:port of each service by name."""
    found = services(plan)
    cost = f", {plan.cost_usd_per_hour:,.2f} USD/h" if plan.cost_usd_per_hour is not None else ""
    used = f"{count(plan.gpus_used, 'GPU')} of {count(plan.nodes_used, 'node')}"
    lines = [f"# {target}: {count(len(found), 'replica')} on {used}{cost}", ""]
    lines += ["| replica | model | engine | layout | GPUs | holds | address |", "|---|---|---|---|---|---|---|"]
    lines += [_row(service, endpoints.get(service.name, "")) for service in found]
    lines += ["", "## Start", "", start]
    notes = list(dict.fromkeys(note for service in found for note in service.model.notes))
    if notes or plan.assumptions:
        lines += ["", "## Know before you start", "", *(f"- {note}" for note in (*notes, *plan.assumptions))]
    lines += ["", "## Check", "", *_checks(found, endpoints)]
    lines += ["", "## Files", "", *(f"- `{name}`" for name in names)]
    return "\n".join(lines) + "\n"


def _row(service: Service, endpoint: str) -> str:
    layout = service.replica.layout
    holds = f"{service.replica.capacity.sequences:,} x {layout.max_model_len:,} tokens"
    engine = f"{service.engine} {service.deployment.engine_version}"
    where = "; ".join(f"{node}: {gpus}" for node, gpus in devices_by_node(service).items())
    return f"| {service.name} | {service.model.name} | {engine} | {layout.label()} | {where} | {holds} | {endpoint} |"


def devices_by_node(service: Service) -> dict[str, str]:
    """`{node0: "gpu0 gpu1", node1: "gpu0 gpu2"}`."""
    found: dict[str, list[str]] = {}
    for device in service.devices:
        node, _, local = device.rpartition("/")
        found.setdefault(node, []).append(local)
    return {node: " ".join(gpus) for node, gpus in found.items()}


def _checks(found: Sequence[Service], endpoints: Mapping[str, str]) -> list[str]:
    lines = ["`gpuplan verify .` in this folder reads the files back and prints the memory bill of each replica."]
    for service in found:
        if endpoint := endpoints.get(service.name):
            path = HEALTH.get(service.engine, "/health")
            expected = LOGGED.get(service.engine, "").format(tokens=service.replica.capacity.kv_cache_tokens)
            log = f"; its log should say {expected}" if expected else ""
            lines.append(f"- {service.name}: `curl -f http://{endpoint}{path}`{log}")
    return lines
