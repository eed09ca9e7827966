"""Inventory files: what they mean, and one line for what is wrong, with the line of the file."""

import time
from pathlib import Path

import pytest

from planner.errors import BadInput
from planner.fleet.inventory import Inventory, load_inventory
from planner.fleet.island import LinkClass
from planner.units import GIB


def load(tmp_path: Path, text: str) -> Inventory:
    path = tmp_path / "fleet.yaml"
    path.write_text(text, encoding="utf-8")
    return load_inventory(path)


def test_whole_node_and_per_gpu_prices_are_kept_apart(tmp_path: Path) -> None:
    inventory = load(
        tmp_path,
        """
nodes:
  - {name: a, gpus: 8xH100-SXM, usd_per_hour: 24}
  - {name: b, gpus: 4xL40S, usd_per_gpu_hour: 1.5}
""",
    )
    a, b = inventory.nodes
    assert [a.cost(0), a.cost(1), a.cost(8)] == [0, 24, 24]
    assert [b.cost(0), b.cost(1), b.cost(3)] == [0, 1.5, 4.5]
    assert inventory.priced


def test_electricity_becomes_a_price_and_is_stated(tmp_path: Path) -> None:
    inventory = load(tmp_path, "usd_per_kwh: 0.2\nnodes: [{name: a, gpus: 8xH100-SXM}, {gpus: 2x3090, watts: 900}]")
    dgx, box = inventory.nodes
    assert dgx.usd_per_hour == pytest.approx(10.2 * 0.2)  # a DGX H100 draws 10.2 kW at most
    assert box.usd_per_hour == pytest.approx(0.9 * 0.2)
    assert any("10,200 W (most that a dgx-h100 draws) at $0.2/kWh" in line for line in inventory.assumptions)


def test_reserved_gpus_are_no_part_of_any_group(tmp_path: Path) -> None:
    (node,) = load(tmp_path, "nodes: [{gpus: 8xA100-80GB, reserved: [0, 7]}]").nodes
    assert node.gpu_counts == {"a100-sxm4-80gb": 6}
    assert node.islands_of("a100-sxm4-80gb") == [6]


def test_used_memory_is_kept_by_gpu(tmp_path: Path) -> None:
    (node,) = load(tmp_path, "nodes: [{gpus: 2xA100-80GB, used_memory: {1: 20GiB}}]").nodes
    assert (node.used(0), node.used(1)) == (0, 20 * GIB)


def test_nvlink_pairs_nest_in_the_node(tmp_path: Path) -> None:
    (node,) = load(tmp_path, "nodes: [{gpus: 4x3090, pairs: [[0, 1], [2, 3]]}]").nodes
    pair, whole = node.tightest((2, 3)), node.tightest((1, 2))
    assert pair and pair.link is LinkClass.NVLINK and pair.gbps == 56.25
    assert whole and whole.link is LinkClass.PCIE and whole.size == 4


def test_described_islands_replace_the_usual_ones(tmp_path: Path) -> None:
    text = "nodes: [{gpus: 8xA100-80GB, islands: [{gpus: [0,1,2,3], link: nvlink}, {gpus: [4,5,6,7], link: nvlink}]}]"
    (node,) = load(tmp_path, text).nodes
    across = node.tightest((0, 4))
    assert across and across.link is LinkClass.PCIE


def test_mig_slices_are_devices_of_their_own(tmp_path: Path) -> None:
    text = (
        "nodes: [{name: n, gpus: 2xA100-80GB, mig: {1: [3g.40gb, 3g.40gb]}, used_memory: {1.1: 8GiB}, reserved: [0]}]"
    )
    (node,) = load(tmp_path, text).nodes
    assert [node.device(i) for i in range(3)] == ["n/gpu0", "n/gpu1.mig0", "n/gpu1.mig1"]
    assert [gpu.memory_gib for gpu in node.gpus] == [79.15, 39.25, 39.25]
    assert node.islands_of("a100-sxm4-80gb:3g.40gb") == [1, 1]
    assert node.used(2) == 8 * GIB and node.usable == (1, 2)


def test_a_rack_of_trays_is_one_nvlink_domain(tmp_path: Path) -> None:
    inventory = load(tmp_path, "nodes: [{name: tray, gpus: 4xGB200, count: 36}]")
    domains = [node.nvlink_domain for node in inventory.nodes]
    assert domains[0] == domains[17] != domains[18] == domains[35]


def test_packages_of_two_devices() -> None:
    (node,) = load_inventory("4xMI250X").nodes
    assert len(node.gpus) == 8
    assert node.gpus[0].memory_bandwidth_gbps == 3276.8 / 2


def test_devices_are_counted_as_software_lists_them(tmp_path: Path) -> None:
    assert load(tmp_path, "nodes: [{devices: 8xMI250X}]").gpu_count == 8


def test_fabric_by_name(tmp_path: Path) -> None:
    inventory = load(tmp_path, "fabric: ib-ndr\nnodes: [{gpus: 8xH100-SXM, count: 2}, {gpus: 4xL40S, nics: 2}]")
    assert [node.network_gbps for node in inventory.nodes] == [50, 50, 25]


def test_gpu_kinds_of_ones_own(tmp_path: Path) -> None:
    text = """
gpu_kinds:
  - {slug: my-card, vendor: nvidia, architecture: ada, memory_gib: 40, memory_bandwidth_gbps: 800}
  - {slug: l40s, memory_gib: 43.5}
nodes: [{gpus: [1xmy-card, 1xL40S]}]
"""
    inventory = load(tmp_path, text)
    assert [gpu.memory_gib for gpu in inventory.nodes[0].gpus] == [40, 43.5]
    assert inventory.gpu_kinds["l40s"].dense_tflops["bf16"] == 362
    assert any("figures of l40s" in line for line in inventory.assumptions)


WRONG = {
    "nodes: [{gpus: 8xH1000}]": r":1: unknown gpu|unknown gpu 'H1000'; did you mean H100",
    "nodes: []": "has no nodes",
    "nodes: [{gpus: 0xH100}]": r"yaml:1: nodes.0.gpus: is '0xH100'; expected 1 to 1,024 GPUs",
    "nodes:\n  - gpus: 8xH100\n    usd_per_hour: -1": r"yaml:3: nodes.0.usd_per_hour: is -1",
    "nodes:\n  - gpus: 8xH100\n    price: 1": r"yaml:3: nodes.0.price: is not a field",
    "nodes:\n  - gpus: 8xH100\n    usd_per_hour: .inf": r"yaml:3: nodes.0.usd_per_hour: is inf",
    "nodes:\n  - gpus: 8xH100\n    count: true": r"yaml:3: nodes.0.count: is True",
    "nodes:\n  - gpus: 8xH100\n    count: 1000000000000": r"yaml:3: nodes.0.count: is 1000000000000",
    "nodes: [{gpus: 8xH100, count: 900000}, {gpus: 8xH100, count: 900000}]": "makes 1,800,000 nodes",
    "nodes:\n  - gpus: 4x3090\n    pairs: [[0, 4]]": r"yaml:3: nodes.0.pairs.0: is \[0, 4\]; expected .* below 4",
    "nodes:\n  - gpus: 4x3090\n    pairs: [[0, 1], [1, 2]]": "each GPU in one pair",
    "nodes: [{gpus: 8xH100, reserved: [8]}]": "names GPU 8",
    "nodes: [{gpus: 8xH100, used_memory: {0: 90GiB}}]": "0 to the 79.19 GiB",
    "nodes: [{gpus: 8xH100, mig: {0: [4g.40gb, 4g.40gb]}}]": "slices that fit together",
    "nodes: [{gpus: 8xH100, mig: {0: [5g.50gb]}}]": "unknown MIG profile",
    "nodes: [{gpus: 2x3090, mig: {0: [1g.10gb]}}]": "has no MIG",
    "nodes: [{gpus: 8xH100, like: dgx-h100}]": "expected one of gpus, devices, like",
    "nodes: [{like: dgx-h101}]": "did you mean dgx-h100",
    "nodes: [{gpus: 8xH100, fabric: ib-ndx}]": "did you mean ib-ndr",
    "nodes: [{gpus: 8xH100, watts: 5000}]": "usd_per_kwh",
    "nodes: [{name: a, gpus: 1xL4}, {name: a, gpus: 1xL4}]": "two nodes are named 'a'",
    "nodes: [{name: n1, gpus: 1xL4}, {name: n, count: 3, gpus: 1xL4}]": "two nodes are named 'n1'",
    "nodes: [{name: a/b, gpus: 1xL4}]": "nodes.0.name",
    "nodes: [{gpus: 8xH100, nvlink_domain: d, count: 2}]": "makes one NVLink domain of 2 nodes",
    "gpu_kinds: [{slug: l40s, memory_gib: -3}]\nnodes: [{gpus: 1xL40S}]": r"yaml:1: l40s.memory_gib: is -3",
    "buy: [{cloud: aws, instance_types: p4d.24xlarg}]": "did you mean p4d.24xlarge",
    "- 1": ".",
    "nodes: {": "not YAML",
    "nodes: 2024-13-45": ".",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items())
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_an_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    started = time.perf_counter()
    with pytest.raises(BadInput):
        load(tmp_path, "\n".join([*lines, "nodes: *a11"]))
    assert time.perf_counter() - started < 1


def test_ten_thousand_nodes_are_one_group() -> None:
    inventory = load_inventory("10000x8xH100-SXM")
    assert inventory.gpu_count == 80_000
    assert len(inventory.groups) == 1
    assert inventory.nodes[9_999].name == "node9999"
    assert inventory.node("node77").name == "node77"
    node, index = inventory.locate("node123/gpu7")
    assert (node.name, index) == ("node123", 7)


def test_a_million_nodes_are_read_without_making_them() -> None:
    started = time.perf_counter()
    assert load_inventory("1000000x8xH100-SXM").gpu_count == 8_000_000
    assert time.perf_counter() - started < 0.5
