"""`check` rejects a plan that was tampered with, and names what is wrong."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from planner import check
from planner.plan_document import Plan
from planner.request import Request
from planner.solve.plan import answer

NODES = """
nodes:
- {name: a, count: 2, gpus: 2xL40S, usd_per_hour: 4, zone: z1}
- {name: b, count: 2, gpus: 2xL40S, usd_per_gpu_hour: 3, zone: z2, reserved: [0]}
"""
Plain = dict[str, Any]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plan of one model in two zones, as JSON text."""
    file = tmp_path_factory.mktemp("nodes") / "nodes.yaml"
    file.write_text(NODES)
    model = {
        "model": "llama-3.1-8b",
        "workload": {"context": 8192, "concurrency": 10, "input_tokens": 500, "output_tokens": 100,
                     "requests_per_second": 1},
        "spread": "zone", "survive": "node", "least_replicas": 2, "exclude_nodes": "a1",
    }  # fmt: skip
    document = answer(Request.parse({"models": [model], "on": str(file), "max_usd_per_hour": 20}))
    assert document.status == "optimal"
    assert check(document) == []
    return document.dump()


def replica(plan: Plain, number: int = 0) -> Plain:
    found: Plain = plan["deployments"][0]["replicas"][number]
    return found


def move(plan: Plain, number: int, device: str) -> None:
    replica(plan, number)["stages"][0]["devices"][0] = device


def first_on(plan: Plain, zone: str) -> int:
    names = [r["stages"][0]["devices"][0] for r in plan["deployments"][0]["replicas"]]
    return next(i for i, name in enumerate(names) if name.startswith(zone))


TAMPERED: dict[str, tuple[Callable[[Plain], object], str]] = {
    "weights": (lambda p: replica(p)["per_device"][0].update(weights_bytes=1), "weights_bytes is 1 in the plan"),
    "cache": (lambda p: replica(p)["layout"].update(max_model_len=131072), "kv_cache_bytes|holds"),
    "sequences": (lambda p: replica(p)["capacity"].update(sequences=999), "sequences, not 999"),
    "layers": (lambda p: replica(p)["stages"][0].update(layers=[0, 30]), "layers"),
    "device that is not there": (lambda p: move(p, 0, "a0/gpu7"), "a0/gpu7: is not in the inventory"),
    "reserved device": (lambda p: move(p, first_on(p, "b"), "b1/gpu0"), "b1/gpu0: is reserved"),
    "excluded node": (lambda p: move(p, first_on(p, "a"), "a1/gpu0"), "does not let it run on a1"),
    "same zone": (lambda p: move(p, first_on(p, "b"), "a0/gpu1"), "to be spread by zone|without a0"),
    "one device twice": (lambda p: move(p, 1, replica(p)["stages"][0]["devices"][0]), "used 2 times"),
    "another engine": (lambda p: p["deployments"][0].update(engine="sglang"), "allows vllm, not sglang"),
    "another model": (lambda p: p["deployments"][0].update(source="qwen3-0.6b"), "does not allow qwen3-0.6b"),
    "lighter weights": (lambda p: p["deployments"][0].update(quantized_on_load="fp8"), "does not allow weights in fp8"),
    "lighter cache": (lambda p: replica(p)["layout"].update(kv_cache_dtype="fp8"), "KV cache in fp8"),
    "cost": (lambda p: p.update(cost_usd_per_hour=1.0), "cost_usd_per_hour is 1.0"),
    "budget": (lambda p: p["request"].update(max_usd_per_hour=1.0), "at most [$]1.00"),
    "bound": (lambda p: p["objective"].update(bound=0.5), "status is optimal"),
    "rate": (lambda p: p["request"]["models"][0]["workload"].update(requests_per_second=5000.0), "requests a second"),
    "load": (lambda p: p["request"]["models"][0]["workload"].update(concurrency=1000), "of the 1,000 sequences"),
    "latency": (lambda p: replica(p)["speed"].update(ttft_ms=1.0), "speed.ttft_ms is 1.0 in the plan"),
    "carried rate": (lambda p: replica(p)["capacity"].update(requests_per_second=99.0), "not 99.0"),
    "room that is left out": (lambda p: replica(p)["capacity"].update(sequences=1), "sequences, not 1"),
    "price a month": (lambda p: p.update(cost_usd_per_month=1.0), "a month"),
    "price of tokens": (lambda p: p.update(cost_usd_per_million_output_tokens=0.01), "a million output tokens"),
    "gap": (lambda p: p["objective"].update(gap=0.5), "objective.gap is 0.5"),
    "name of the model": (lambda p: p["deployments"][0].update(model="other"), "model is 'other'"),
    "version of the engine": (lambda p: p["deployments"][0].update(engine_version="0.1"), "engine_version is '0.1'"),
    "a change that is none": (lambda p: p["deployments"][0].update(changes=["KV cache in fp8"]), "changes are"),
    "a limit of the request": (
        lambda p: p["request"]["models"][0]["limits"].update(max_num_seqs=3),
        "max_num_seqs is 256, and the request gives 3",
    ),
    "one replica less": (lambda p: p["deployments"][0]["replicas"].pop(), "at least 2 asked for"),
    "no replica": (lambda p: p["deployments"][0]["replicas"].clear(), "has no replica"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_tampered_plan_is_rejected(plain: str, name: str) -> None:
    tamper, words = TAMPERED[name]
    plan = json.loads(plain)
    tamper(plan)
    findings = check(Plan.parse(plan))
    assert findings
    assert any(re.search(words, finding) for finding in findings), findings
