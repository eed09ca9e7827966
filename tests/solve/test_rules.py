"""What a request rules: chosen and excluded nodes, spending, spread and packed replicas, surviving nodes."""

from pathlib import Path

import pytest

from planner import check
from planner.errors import BadInput
from planner.plan_document import Plan
from planner.request import Request
from planner.solve.plan import answer

NODES = """
nodes:
- {name: a, count: 2, gpus: 2xL40S, usd_per_hour: 4, rack: r1, zone: z1}
- {name: b, count: 2, gpus: 2xL40S, usd_per_hour: 3, rack: r2, zone: z1}
- {name: c, count: 2, gpus: 2xL40S, usd_per_gpu_hour: 1, rack: r3, zone: z2, reserved: [0]}
"""


@pytest.fixture
def nodes(tmp_path: Path) -> str:
    file = tmp_path / "nodes.yaml"
    file.write_text(NODES)
    return str(file)


def ask(on: str, *, concurrency: int = 4, whole: dict[str, object] | None = None, **model: object) -> Plan:
    load = {"context": 8192, "concurrency": concurrency}
    wanted = {"model": "llama-3.1-8b", "workload": load, **model}
    document = answer(Request.parse({"models": [wanted], "on": on, **(whole or {})}))
    assert check(document) == []
    return document


def used(document: Plan) -> list[list[str]]:
    """Nodes of each replica."""
    return [
        sorted({d.partition("/")[0] for stage in replica.stages for d in stage.devices})
        for replica in document.deployments[0].replicas
    ]


def test_the_cheapest_gpu_is_taken_but_never_a_reserved_one(nodes: str) -> None:
    document = ask(nodes)
    assert document.cost_usd_per_hour == 1
    assert document.deployments[0].replicas[0].stages[0].devices[0] in ("c0/gpu1", "c1/gpu1")


@pytest.mark.parametrize(
    ("rule", "cost"),
    [
        ({"nodes": ["a*"]}, 4),
        ({"nodes": ["zone:z1"]}, 3),
        ({"exclude_nodes": ["zone:z2", "b0"]}, 3),
        ({"exclude_nodes": ["zone:z2", "rack:r2"]}, 4),
        ({"least_replicas": 3}, 4),
        ({"least_replicas": 3, "spread": "node"}, 5),
        ({"least_replicas": 2, "spread": "zone"}, 4),
        ({"least_replicas": 3, "spread": "rack"}, 8),
        ({"least_replicas": 3, "pack": "node"}, None),
        ({"least_replicas": 3, "pack": "rack"}, 6),
        ({"least_replicas": 2, "pack": "node"}, 3),
        ({"survive": "node"}, 2),
    ],
)
def test_rules_cost_what_they_must(nodes: str, rule: dict[str, object], cost: float | None) -> None:
    assert ask(nodes, **rule).cost_usd_per_hour == cost


def test_an_unknown_node_or_zone_is_named_with_near_ones(nodes: str) -> None:
    with pytest.raises(BadInput, match="unknown node"):
        ask(nodes, nodes="z*")
    with pytest.raises(BadInput, match="unknown zone 'z9'; did you mean z1, z2"):
        ask(nodes, exclude_nodes="zone:z9")


def test_after_the_loss_of_any_node_the_load_is_still_held(nodes: str) -> None:
    document = ask(nodes, concurrency=40, survive="node")
    replicas = document.deployments[0].replicas
    for node in {name for names in used(document) for name in names}:
        left = sum(r.capacity.sequences for r, names in zip(replicas, used(document), strict=True) if node not in names)
        assert left >= 40


def test_replicas_over_two_kinds_are_all_lost_with_the_node_of_either() -> None:
    """Two pipelines from the L40S of one node to the 3090 of another leave nothing when one of the nodes is gone."""
    mixed = ask(
        "4xL40S,2xRTX-3090", concurrency=4, model="gemma-3-12b-it", workload={"context": 16384, "concurrency": 4}
    )
    assert [len(names) for names in used(mixed)] == [1]
    load = {"context": 16384, "concurrency": 8}
    assert ask("4xL40S,2xRTX-3090", model="gemma-3-12b-it", workload=load, survive="node").status == "infeasible"


def test_spending_is_kept_to_the_cent(nodes: str) -> None:
    assert ask(nodes, concurrency=70, whole={"max_usd_per_hour": 4}).cost_usd_per_hour == 4
    assert ask(nodes, concurrency=70, whole={"max_usd_per_hour": 3.99}).status == "infeasible"
    assert ask(nodes, concurrency=70, whole={"max_gpus": 2}).status == "infeasible"


def test_a_budget_without_prices_is_refused() -> None:
    with pytest.raises(BadInput, match="max_usd_per_hour"):
        ask("2xL40S", whole={"max_usd_per_hour": 3})


def test_weights_and_cache_change_only_where_allowed() -> None:
    allowed = ask("1xL40S", concurrency=30, allow={"quantization": "fp8"})
    assert allowed.deployments[0].quantized_on_load == "fp8"
    assert ask("1xL40S", concurrency=30).status == "infeasible"
    assert ask("1xL40S", concurrency=4, allow={"quantization": "fp8"}).deployments[0].changes == []
    cache = ask("1xL40S", concurrency=40, allow={"kv_cache_dtype": "fp8"}).deployments[0]
    assert [replica.layout.kv_cache_dtype for replica in cache.replicas] == ["fp8"]


def test_on_is_a_word_in_a_request_file(tmp_path: Path) -> None:
    file = tmp_path / "request.yaml"
    file.write_text("models: [{model: llama-3.1-8b}]\non: 8xH100-SXM\n")
    assert Request.load(file).on == "8xH100-SXM"
