"""Replicas on shares of a GPU: as cheap as an exhaustive search finds, each within its share, checked and kept."""

import json
from typing import Any

import pytest

from planner import check
from planner.errors import BadInput
from planner.export import export
from planner.export.refusal import Refused
from planner.plan_document import Plan
from planner.request import Request
from planner.solve.plan import answer
from tests.solve.random_instances import instance

SMALL = {"allow": {"share_gpus": True}, "workload": {"context": 4096, "concurrency": 2}}
THREE = [{"model": name, **SMALL} for name in ("qwen3-4b", "qwen3-0.6b", "qwen3-embedding-0.6b")]


def ask(models: list[dict[str, Any]], on: str, **whole: object) -> Plan:
    document = answer(Request.parse({"models": models, "on": on, **whole}))
    if document.status != "infeasible":
        assert check(document) == []
    return document


def test_shared_gpus_cost_what_an_exhaustive_search_finds() -> None:
    for seed in range(25):
        drawn = instance(seed, models=3, gpus=4, shares=True)
        assert drawn.planned() == drawn.cheapest(), f"seed {seed}"


def test_small_models_share_one_gpu_within_their_parts() -> None:
    document = ask(THREE, "2xL40S")
    assert document.gpus_used == 1
    replicas = [deployment.replicas[0] for deployment in document.deployments]
    assert sum(replica.stages[0].share_percent or 100 for replica in replicas) <= 100
    for replica in replicas:
        (device,) = replica.per_device
        assert device.total_bytes <= device.device_bytes * (replica.stages[0].share_percent or 0) / 100
        assert replica.layout.memory_fraction < (replica.stages[0].share_percent or 0) / 100


def test_nothing_is_shared_unless_every_model_allows_it() -> None:
    assert ask([{**THREE[0], "allow": {}}, *THREE[1:]], "3xL40S").gpus_used == 2
    fixes = ask([{**model, "allow": {}} for model in THREE], "1xL40S").fixes
    assert any(all(name.endswith("share_gpus") for name in fix["change"]) for fix in fixes)


def test_a_share_leaves_what_others_hold_alone() -> None:
    whole = ask(THREE[1:], "1xL40S").deployments[0].replicas[0].speed or {}
    alone = ask([{**THREE[1], "allow": {}}], "1xL40S").deployments[0].replicas[0].speed or {}
    assert whole["tpot_ms"] > 2 * alone["tpot_ms"]


def test_replicas_on_shares_stay_when_another_model_comes() -> None:
    first = ask(THREE[:2], "2xL40S")
    later = answer(Request.parse({"models": THREE, "on": "2xL40S"}), earlier=first)
    assert check(later) == []
    assert later.gpus_used == 1
    assert later.moves is not None
    assert later.moves.kept == 2


def test_engines_whose_fraction_is_of_what_is_free_do_not_share() -> None:
    with pytest.raises(BadInput, match="sglang cannot keep within a share"):
        ask([{**THREE[0], "engine": "sglang"}], "1xL40S")


def test_a_target_that_hands_out_whole_gpus_refuses() -> None:
    document = ask(THREE, "1xL40S")
    with pytest.raises(Refused, match="share of a GPU, and it hands out whole ones; --to vllm"):
        export(document, "kubernetes")
    assert "--gpu-memory-utilization 0." in export(document, "vllm")["serve-0.sh"]


@pytest.mark.parametrize("share", [90, 10, None])
def test_another_share_than_planned_is_rejected(share: int | None) -> None:
    plan = json.loads(ask(THREE, "1xL40S").dump())
    plan["deployments"][0]["replicas"][0]["stages"][0]["share_percent"] = share
    assert check(Plan.parse(plan))
