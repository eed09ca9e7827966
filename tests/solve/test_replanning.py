"""`plan --from`: what runs stays where it is, as far as the cheapest plan allows."""

from itertools import combinations
from pathlib import Path

import pytest

from planner import check, plan
from planner.plan_document import Plan

NODES = {
    "a": "{name: a, gpus: 2xh100-sxm5-80gb}",
    "b": "{name: b, gpus: 2xh100-sxm5-80gb}",
    "c": "{name: c, gpus: 2xh100-sxm5-80gb}",
    "d": "{name: d, gpus: 2xh100-sxm5-80gb}",
}


def on(path: Path, *names: str) -> str:
    path.write_text("nodes: [" + ", ".join(NODES[name] for name in names) + "]")
    return str(path)


def planned(inventory: str, replicas: int, earlier: Plan | None = None) -> Plan:
    """Replicas of a model that two GPUs just hold, on a node each."""
    wishes = {"spread": "node", "least_replicas": replicas}
    return plan("llama-3.3-70b", inventory, context=4096, concurrency=replicas, wishes=wishes, earlier=earlier)


def devices(made: Plan) -> set[tuple[str, ...]]:
    return {tuple(d for s in r.stages for d in s.devices) for dep in made.deployments for r in dep.replicas}


def test_nothing_moves_where_nothing_changed(tmp_path: Path) -> None:
    everywhere = on(tmp_path / "four.yaml", *"abcd")
    running = planned(everywhere, 3)
    again = planned(everywhere, 3, running)
    assert devices(again) == devices(running)
    assert again.moves and (again.moves.stopped, again.moves.started, again.moves.bytes_to_load) == ([], [], 0)
    assert again.objective == running.objective


@pytest.mark.parametrize("nodes", [set(two) for two in combinations("abcd", 2)])
def test_replicas_stay_wherever_they_run(nodes: set[str], tmp_path: Path) -> None:
    """Whichever two of four nodes run the model: no other two are taken, though they are as good."""
    before = planned(on(tmp_path / "two.yaml", *sorted(nodes)), 2)
    after = planned(on(tmp_path / "four.yaml", *"abcd"), 2, before)
    assert devices(after) == devices(before) and len(devices(after)) == 2
    assert check(after) == []


def test_only_what_ran_on_a_lost_node_moves(tmp_path: Path) -> None:
    before = planned(on(tmp_path / "three.yaml", *"abc"), 3)
    after = planned(on(tmp_path / "others.yaml", *"bcd"), 3, before)
    assert after.moves is not None
    assert after.moves.kept == 2 and len(after.moves.stopped) == len(after.moves.started) == 1
    assert devices(before) & devices(after) == {("b/gpu0", "b/gpu1"), ("c/gpu0", "c/gpu1")}
    assert check(after) == []


def test_the_cheapest_plan_stays_the_cheapest(tmp_path: Path) -> None:
    """A replica leaves a node that has become dearer than another."""
    priced = "{name: %s, gpus: 2xh100-sxm5-80gb, usd_per_hour: %s}"
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text(f"nodes: [{priced % ('a', 4)}, {priced % ('b', 5)}]")
    second.write_text(f"nodes: [{priced % ('a', 6)}, {priced % ('b', 5)}]")
    before = planned(str(first), 1)
    after = planned(str(second), 1, before)
    assert (before.cost_usd_per_hour, after.cost_usd_per_hour) == (4, 5)
    assert after.moves is not None and after.moves.kept == 0
