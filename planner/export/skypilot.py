"""SkyPilot: one task for the nodes that a replica, or replicas on shared nodes, take together.

A task's nodes are alike, and SkyPilot numbers them: `run` starts on each what the plan puts there.
"""

from typing import Any

import networkx as nx

from planner.export.accelerator import skypilot_name
from planner.export.engine_command import engine_command
from planner.export.manifest import dump
from planner.export.rank import Launcher
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.script import PACKAGES, port_of, stage_lines
from planner.export.service import Service, services, slug
from planner.export.spot import Spot
from planner.fleet.requested_inventory import requested_inventory
from planner.plan_document import Plan

TARGET = "skypilot"
ENGINES = ("vllm", "sglang")
START = """\
`sky launch -c NAME NAME.yaml --secret HF_TOKEN` for each task (leave the secret out of the file for open models).
Nodes of a task are numbered by SkyPilot; the first one answers."""


def files(plan: Plan) -> dict[str, str]:
    """Return one task a set of nodes that share replicas; raises Refused when those nodes differ."""
    found, endpoints = {}, {}
    sizes = {node.name: node.gpus for node in requested_inventory(plan.request).nodes}
    for number, members in enumerate(_tasks(services(plan))):
        nodes = list(dict.fromkeys(node for service in members for node in service.nodes))
        name = f"{slug(members[0].deployment.model)}-{number}"
        counts = {node: [gpu.slug for gpu in sizes[node]] for node in nodes}
        found[f"{name}.yaml"] = dump(_task(name, members, nodes, counts))
        for service in members:
            endpoints[service.name] = f"$(sky status --ip {name}):{port_of(service)}"
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _tasks(found: list[Service]) -> list[list[Service]]:
    """Put replicas that share a node into one task."""
    graph: nx.Graph[str | tuple[str, str]] = nx.Graph()
    for service in found:
        graph.add_node(service.name)
        nx.add_path(graph, [service.name, *(("node", node) for node in service.nodes)])
    parts = [{name for name in part if isinstance(name, str)} for part in nx.connected_components(graph)]
    return [[service for service in found if service.name in part] for part in parts]


def _task(name: str, members: list[Service], nodes: list[str], counts: dict[str, list[str]]) -> dict[str, Any]:
    engines = {(service.engine, service.deployment.engine_version) for service in members}
    kinds = {tuple(counts[node]) for node in nodes}
    if len(kinds) > 1 or len(set(counts[nodes[0]])) > 1:
        raise Refused(TARGET, f"the nodes of a task are alike, and {', '.join(nodes)} are not")
    gpu = counts[nodes[0]][0]
    if skypilot_name(gpu) is None:
        raise Refused(TARGET, f"SkyPilot has no accelerator name for {gpu}")
    return {
        "name": name,
        "num_nodes": len(nodes),
        "resources": {
            "accelerators": f"{skypilot_name(gpu)}:{len(counts[nodes[0]])}",
            "ports": [port_of(service) for service in members],
        },
        "secrets": {"HF_TOKEN": None},
        "setup": "\n".join(PACKAGES[engine].format(version) for engine, version in sorted(engines)),
        "run": _run(members, nodes),
    }


def _run(members: list[Service], nodes: list[str]) -> str:
    """Return the script: every node starts its launchers and waits for them."""
    lines = ['HEAD=$(echo "$SKYPILOT_NODE_IPS" | head -n1)']
    lines.append('case "$SKYPILOT_NODE_RANK" in')
    for number, node in enumerate(nodes):
        lines.append(f"{number})")
        for service in members:
            for launcher in engine_command(service.engine).launchers_of(service):
                if launcher.node == node:
                    lines += [f"  # {line}" for line in stage_lines(service)]
                    lines.append(f"  {_line(service, launcher, nodes)} &")
        lines.append("  ;;")
    return "\n".join([*lines, "esac", "wait"]) + "\n"


def _line(service: Service, launcher: Launcher, nodes: list[str]) -> str:
    module = engine_command(service.engine)
    all_launchers = module.launchers_of(service)
    if all_launchers[0].node != nodes[0] and len(all_launchers) > 1:
        raise Refused(TARGET, f"{service.name} spans nodes and does not start on the task's first node")
    spot = Spot(
        port=port_of(service),
        rank=str(launcher.number),
        launchers=len(all_launchers),
        address="GPUPLAN_HEAD",
        rendezvous=module.FIRST_RENDEZVOUS + service.number % 1000,
        head=launcher.number == 0,
    )
    command = module.command(service, spot)
    pinned = {"CUDA_VISIBLE_DEVICES": launcher.visible, **command.environment}
    line = type(command)(command.program, command.flags, pinned, command.files).line()
    return line.replace("GPUPLAN_HEAD", '"$HEAD"')
