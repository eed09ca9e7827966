"""Prefill and decode pools: which targets join them, and the router in front of each pair.

vLLM: `vllm-router --vllm-pd-disaggregation` (vllm-project/router, README). SGLang:
`sglang_router.launch_router --pd-disaggregation`, which is told the bootstrap port of each prefill worker (SGLang
docs, PD Disaggregation).
"""

import shlex

from planner.export.refusal import Refused
from planner.export.service import Service, services
from planner.plan_document import Deployment, Plan, PoolPair

BOOTSTRAP = 8998
"""First port at which prefill workers of SGLang meet decode workers (`--disaggregation-bootstrap-port`)."""
SIDE_CHANNEL = 5600
"""First port at which vLLM's NixlConnector shakes hands; the data-parallel ranks of a worker take those after it."""
_SIDE_CHANNELS = 16
_FIRST_ROUTER = 9000


def bootstrap_port(service: Service) -> int:
    """Bootstrap port of a prefill worker among those on its node."""
    return BOOTSTRAP + service.slot


def side_channel(service: Service) -> int:
    """Side-channel port of a worker among those on its node."""
    return SIDE_CHANNEL + _SIDE_CHANNELS * service.slot


def one_pair(target: str, deployment: Deployment) -> None:
    """Raise Refused for pools that a target with one router a model cannot keep apart."""
    if len(deployment.pools) > 1:
        raise Refused(target, f"{deployment.model} has {len(deployment.pools)} pairs of pools, and it has one router")
    if deployment.pools and any(replica.phase is None for replica in deployment.replicas):
        raise Refused(target, f"{deployment.model} has whole replicas beside its pools, and it has one router")


def refuse_pools(plan: Plan, target: str) -> None:
    """Raise Refused for a plan with pools, where a target joins none."""
    for deployment in plan.deployments:
        if deployment.pools:
            raise Refused(target, f"{deployment.model} prefills and decodes in pools of its own, which it cannot join")


def routers(plan: Plan, endpoints: dict[str, str]) -> dict[str, str]:
    """Return a script a pair of pools that starts its router; empty without pools."""
    found: dict[str, str] = {}
    every = services(plan)
    for deployment in plan.deployments:
        mine = [service for service in every if service.deployment is deployment]
        for pair in deployment.pools:
            number = len(found)
            command = _router(deployment, pair, mine, endpoints, _FIRST_ROUTER + number)
            head = (
                f"# {deployment.model}: in front of {len(pair.prefill)} prefill and {len(pair.decode)} decode workers"
            )
            found[f"route-{number}.sh"] = f"#!/bin/sh\n{head}\nexec {shlex.join(command)}\n"
    return found


def _router(
    deployment: Deployment, pair: PoolPair, mine: list[Service], endpoints: dict[str, str], port: int
) -> list[str]:
    words: list[str] = []
    for number in pair.prefill:
        words += ["--prefill", f"http://{endpoints[mine[number].name]}"]
        words += [str(bootstrap_port(mine[number]))] if deployment.engine == "sglang" else []
    for number in pair.decode:
        words += ["--decode", f"http://{endpoints[mine[number].name]}"]
    words += ["--host", "0.0.0.0", "--port", str(port)]
    if deployment.engine == "sglang":
        return ["python3", "-m", "sglang_router.launch_router", "--pd-disaggregation", *words]
    sizes = {mine[number].replica.layout.data_parallel_size for number in (*pair.prefill, *pair.decode)}
    local = ["--intra-node-data-parallel-size", str(max(sizes))] if max(sizes) > 1 else []
    return ["vllm-router", "--vllm-pd-disaggregation", "--policy", "round_robin", *words, *local]
