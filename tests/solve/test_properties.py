"""What must hold for every plan: better conditions never make it worse, and names and order do not matter."""

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from planner import plan
from planner.fleet.inventory import Inventory
from planner.fleet.node import Node
from planner.workload import Workload
from tests.solve.random_instances import Instance, instance

seeds = st.integers(min_value=0, max_value=10**6)


def _no_worse(cost: float | None, than: float | None) -> bool:
    return than is None or (cost is not None and cost <= than + 1e-6)


def _on(drawn: Instance, nodes: list[Node]) -> Instance:
    return replace(drawn, inventory=Inventory(tuple(nodes), drawn.inventory.text))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_renaming_and_reordering_nodes_never_changes_the_cost(seed: int) -> None:
    drawn = instance(seed, models=2, gpus=10)
    nodes = [replace(node, name=f"other-{9 - number}") for number, node in enumerate(drawn.inventory.nodes)]
    random.Random(seed).shuffle(nodes)
    assert _on(drawn, nodes).planned() == drawn.planned()


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_more_memory_never_makes_a_plan_worse(seed: int) -> None:
    drawn = instance(seed, models=2, gpus=10)
    slug = drawn.inventory.nodes[0].gpus[0].slug
    larger = [
        replace(
            node, gpus=tuple(replace(g, memory_gib=g.memory_gib * 1.5, memory_reported_mib=None) for g in node.gpus)
        )
        if node.gpus[0].slug == slug
        else node
        for node in drawn.inventory.nodes
    ]
    assert larger[0].gpus[0].memory_bytes > drawn.inventory.nodes[0].gpus[0].memory_bytes
    assert _no_worse(_on(drawn, larger).planned(), drawn.planned())


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_a_lower_price_never_makes_a_plan_dearer(seed: int) -> None:
    drawn = instance(seed, models=2, gpus=10)
    first = drawn.inventory.nodes[0]
    cheaper = replace(
        first,
        usd_per_hour=None if first.usd_per_hour is None else round(first.usd_per_hour / 2, 2),
        usd_per_gpu_hour=None if first.usd_per_gpu_hour is None else round(first.usd_per_gpu_hour / 2, 2),
    )
    assert _no_worse(_on(drawn, [cheaper, *drawn.inventory.nodes[1:]]).planned(), drawn.planned())


@settings(max_examples=15, deadline=None, derandomize=True)
@given(seeds)
def test_a_lighter_load_never_makes_a_plan_worse(seed: int) -> None:
    drawn = instance(seed, models=2, gpus=10)
    loads = tuple(replace(load, concurrency=max(1, load.concurrency // 2)) for load in drawn.loads)
    assert _no_worse(replace(drawn, loads=loads).planned(), drawn.planned())


def test_a_looser_target_never_asks_for_more_gpus() -> None:
    used = []
    for tpot in (8, 12, 20, 60):
        workload = Workload(context=4096, requests_per_second=30, input_tokens=800, output_tokens=200, tpot_ms=tpot)
        found = plan("llama-3.1-8b", "8xH100-SXM", workload=workload)
        used.append(found.gpus_used if found.status == "optimal" else 99)
    assert used == sorted(used, reverse=True)
    assert used[-1] < used[0]


def test_the_same_replicas_are_chosen_in_any_order_of_the_nodes() -> None:
    first, second = (
        plan("llama-3.1-70b", on, context=4096, concurrency=40) for on in ("4xL40S,8xA100-80GB", "8xA100-80GB,4xL40S")
    )
    assert first.objective == second.objective
    kinds = [
        [(stage.gpu, stage.layers) for replica in found.deployments[0].replicas for stage in replica.stages]
        for found in (first, second)
    ]
    assert kinds[0] == kinds[1]
