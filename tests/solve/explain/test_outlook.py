"""Flip points: up to the figure the answer stays, one step beyond it changes."""

import json
from pathlib import Path

from planner import plan
from planner.request import Request
from planner.solve.plan import answer
from tests.solve.explain.random_requests import wrong_flips

NODES = """
nodes:
- {name: a, gpus: 2xL40S, usd_per_hour: 4}
- {name: b, gpus: 1xH100-SXM, usd_per_hour: %s}
"""


def test_the_load_that_the_same_gpus_carry_is_the_most() -> None:
    first = plan("llama-3.1-8b", "4xL40S", context=8192, concurrency=10)
    (flip,) = first.outlook
    most = flip["up_to"]
    assert plan("llama-3.1-8b", "4xL40S", context=8192, concurrency=most).gpus_used == first.gpus_used
    beyond = plan("llama-3.1-8b", "4xL40S", context=8192, concurrency=most + 1)
    assert beyond.gpus_used == flip["then"] == first.gpus_used + 1


def test_the_price_that_turns_the_answer_does(tmp_path: Path) -> None:
    def at(price: float) -> tuple[list[str], list[dict[str, object]]]:
        file = tmp_path / "nodes.yaml"
        file.write_text(NODES % price)
        document = plan("llama-3.1-8b", str(file), context=8192, concurrency=40)
        return [d for r in document.deployments[0].replicas for s in r.stages for d in s.devices], document.outlook

    devices, outlook = at(9)
    assert all(device.startswith("a/") for device in devices)
    flip = next(entry for entry in outlook if entry.get("node") == "b")
    assert flip["usd_per_node_hour"] == 3.99
    assert at(3.99)[0] == ["b/gpu0"]


def test_a_context_that_may_be_lower_is_only_as_low_as_the_best_plan_needs() -> None:
    def ask(context: int, floor: int | None) -> tuple[int, int]:
        wishes = {"allow": {"context_down_to": floor}} if floor else {}
        document = plan("llama-3.1-8b", "2xL40S", context=context, concurrency=8, wishes=wishes)
        return document.gpus_used, document.deployments[0].replicas[0].layout.max_model_len

    gpus, context = ask(32768, 8192)
    assert gpus == 1
    assert ask(context, None)[0] == 1
    assert ask(context + 1, None)[0] == 2
    assert ask(32768, None) == (2, 32768)


def test_the_same_request_has_the_same_outlook() -> None:
    request = plan("llama-3.1-8b", "2xL40S", context=8192, concurrency=8).request
    assert answer(request).dump() == answer(request).dump()


def test_the_targets_at_which_the_answer_changes_do(tmp_path: Path) -> None:
    load = {"context": 4096, "concurrency": 16, "input_tokens": 1000, "output_tokens": 200, "tpot_ms": 20}
    cards = {"a": ("2xL4", 1), "b": ("1xL40S", 2), "c": ("1xH100-SXM", 4)}
    nodes = [{"name": name, "gpus": gpus, "usd_per_hour": usd} for name, (gpus, usd) in cards.items()]
    file = tmp_path / "nodes.json"
    file.write_text(json.dumps({"nodes": nodes}))
    request = Request.parse({"models": [{"model": "qwen3-4b", "workload": load}], "on": str(file)})
    flips = [flip for flip in answer(request).outlook if "target" in flip]
    assert {*flips[0]} >= {"down_to", "then"} and any("from" in flip for flip in flips)
    found, wrong = wrong_flips(request)
    assert found > len(flips) and wrong == []
