"""vLLM on a Ray cluster: scripts that join the nodes, and `vllm serve` with the Ray backend on the first."""

from planner.export import vllm
from planner.export.command import Command
from planner.export.rank import stage_ranks
from planner.export.ray_serve import alike
from planner.export.readme import readme
from planner.export.refusal import Refused
from planner.export.replica_group import ReplicaGroup
from planner.export.script import header, port_of
from planner.export.service import Service, services
from planner.export.spot import Spot
from planner.plan_document import Plan

TARGET = "vllm-ray"
ENGINES = ("vllm",)
FIRST_RAY_PORT = 6379
START = """\
Run `ray-*.sh` of a replica on every node that its head names, the first node's first, then `serve-*.sh` on the
first node. Each replica has a Ray cluster of its own, so that it takes its own GPUs and no others."""


def files(plan: Plan) -> dict[str, str]:
    """Return, for each replica, a script a node that joins Ray, and the command on the first."""
    found: dict[str, str] = {}
    endpoints = {}
    for service in services(plan):
        alike(TARGET, ReplicaGroup(service.name, (service,)))
        if service.replica.layout.data_parallel_size > 1:
            raise Refused(TARGET, "attention data parallelism is left to the mp backend, which says what goes where")
        endpoints[service.name] = f"{service.nodes[0]}:{port_of(service)}"
        for rank, node in enumerate(service.nodes):
            found[f"ray-{service.number}-{node}.sh"] = _join(service, node, head=rank == 0)
        found[f"serve-{service.number}.sh"] = _serve(service)
    return {**found, "README.md": readme(plan, TARGET, list(found), START, endpoints)}


def _join(service: Service, node: str, *, head: bool) -> str:
    port = FIRST_RAY_PORT + service.number % 1000
    gpus = [rank.cuda_id for stage in stage_ranks(service) for rank in stage if rank.node == node]
    where = ("--head", f"--port={port}") if head else (f"--address={service.nodes[0]}:{port}", "--block")
    command = Command(("ray", "start", *where, f"--num-gpus={len(gpus)}"), {}, {"CUDA_VISIBLE_DEVICES": ",".join(gpus)})
    return f"#!/bin/sh\n# {service.name} on {node}\nexec {command.line()}\n"


def _serve(service: Service) -> str:
    made = vllm.command(service, Spot(port=port_of(service)))
    backend = {"distributed-executor-backend": "ray"}
    cluster = {"RAY_ADDRESS": f"{service.nodes[0]}:{FIRST_RAY_PORT + service.number % 1000}"}
    command = Command(made.program, {**made.flags, **backend}, {**cluster, **made.environment})
    return f"#!/bin/sh\n{header(service, vllm.launchers_of(service)[0])}exec {command.line()}\n"
