"""The picture of the nodes: every GPU once, in its smallest island, with what the plan puts on it."""

from pathlib import Path

from planner import plan
from planner.report.topology_picture import Box, topology

PAIRS = """
nodes:
- name: bench
  gpus: [4xRTX-3090]
  pairs: [[0, 1], [2, 3]]
  count: 2
"""


def _gpus(box: Box) -> list[str]:
    return [*(gpu["name"] for gpu in box.gpus), *(name for inner in box.boxes for name in _gpus(inner))]


def test_bridged_pairs_lie_inside_the_node(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(PAIRS)
    (card,) = topology(plan("llama-3.1-8b", tmp_path / "own.yaml", context=8192, concurrency=40))
    assert sorted(_gpus(card["box"])) == ["gpu0", "gpu1", "gpu2", "gpu3"]
    assert card["box"].label.startswith("PCIe") and not card["box"].gpus
    assert [inner.label[:6] for inner in card["box"].boxes] == ["NVLink", "NVLink"]


def test_gpus_hold_what_the_plan_says() -> None:
    document = plan("llama-3.3-70b", "2x8xH100-SXM", context=8192, concurrency=64)
    (card,) = topology(document)
    held = {f"{card['node'].name}/{gpu['name']}": [entry["stage"] for entry in gpu["held"]] for gpu in card["box"].gpus}
    stages = document.deployments[0].replicas[0].stages
    assert {device: numbers for device, numbers in held.items() if numbers} == {
        device: [number] for number, stage in enumerate(stages) for device in stage.devices
    }


def test_nodes_that_look_alike_are_drawn_once() -> None:
    document = plan("llama-3.1-405b", "4x8xH100-SXM", context=8192, concurrency=16)
    cards = topology(document)
    assert sum(len(card["names"]) for card in cards) == document.nodes_used
    assert len(cards) <= document.nodes_used
