"""Bandwidth of groups: what the wiring gives, not what the data sheet says."""

from pathlib import Path

import pytest

from planner.fleet.inventory import load_inventory
from planner.fleet.node import Node
from planner.fleet.tensor_groups import nested_islands, tensor_groups
from planner.fleet.topology import group_gbps, group_latency_us, path_gbps, topology


def node_of(tmp_path: Path, text: str) -> Node:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return load_inventory(path).nodes[0]


def names(node: str, count: int) -> list[str]:
    return [f"{node}/gpu{index}" for index in range(count)]


def test_a_switch_gives_any_group_its_full_rate() -> None:
    graph = topology(load_inventory("2x8xH100-SXM"))
    assert [group_gbps(graph, names("node0", size)) for size in (2, 4, 8)] == [450, 450, 450]
    assert group_gbps(graph, [*names("node0", 8), *names("node1", 8)]) == 50
    assert path_gbps(graph, "node0/gpu0", "node1/gpu0") == 50


def test_on_an_amd_mesh_bandwidth_grows_with_the_group() -> None:
    graph = topology(load_inventory("8xMI300X"))
    assert path_gbps(graph, "node0/gpu0", "node0/gpu5") == 64
    assert [group_gbps(graph, names("node0", size)) for size in (2, 4, 8)] == [64, 192, 448]


def test_pairs_cards_and_racks(tmp_path: Path) -> None:
    text = "nodes: [{name: n, gpus: 4xA6000, pairs: [[0, 1], [2, 3]]}]"
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    graph = topology(load_inventory(path))
    assert path_gbps(graph, "n/gpu0", "n/gpu1") == 56.25
    assert path_gbps(graph, "n/gpu1", "n/gpu2") == pytest.approx(31.5, abs=0.1)
    rack = topology(load_inventory("18x4xGB200"))
    assert group_gbps(rack, [f"node{n}/gpu{g}" for n in range(18) for g in range(4)]) == 900
    assert group_latency_us(rack, ["node0/gpu0", "node17/gpu0"]) < group_latency_us(graph, ["n/gpu1", "n/gpu2"])


def test_groups_are_the_pairs_then_pairs_of_pairs(tmp_path: Path) -> None:
    node = node_of(tmp_path, "nodes: [{gpus: 6x3090, pairs: [[0, 3], [1, 4]]}]")
    assert [group.gpus for group in tensor_groups(node, "rtx-3090", 2)] == [(0, 3), (1, 4), (2, 5)]
    assert [group.bridged for group in tensor_groups(node, "rtx-3090", 2)] == [True, True, False]
    assert tensor_groups(node, "rtx-3090", 4)[0].gpus == (0, 1, 3, 4)


def test_reserved_gpus_and_slices_make_no_groups(tmp_path: Path) -> None:
    node = node_of(tmp_path, "nodes: [{gpus: 4xA100-80GB, reserved: [0], mig: {3: [3g.40gb, 3g.40gb]}}]")
    assert [group.gpus for group in tensor_groups(node, "a100-sxm4-80gb", 2)] == [(1, 2)]
    assert tensor_groups(node, "a100-sxm4-80gb:3g.40gb", 2) == ()
    assert len(tensor_groups(node, "a100-sxm4-80gb:3g.40gb", 1)) == 2


def test_islands_nest(tmp_path: Path) -> None:
    text = """
nodes:
  - gpus: 4x3090
    pairs: [[0, 1]]
    islands: [{gpus: [0, 1], link: pcie, name: root}, {gpus: [0, 1, 2], link: pcie, name: numa}]
"""
    (whole, directly), *_ = nested_islands(node_of(tmp_path, text))
    assert whole.size == 4 and [island.name for island in directly] == ["numa"]
