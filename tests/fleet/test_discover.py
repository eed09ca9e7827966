"""Discovery on real outputs (tests/fleet/outputs/SOURCES.md), and on hostile ones."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.errors import BadInput, GpuplanError
from planner.fleet.discover.amd import read_amd_smi, read_rocm_smi
from planner.fleet.discover.discover import Discovery, Sources, discover
from planner.fleet.discover.found import Found, FoundNode
from planner.fleet.discover.inventory_of import inventory_of
from planner.fleet.discover.kubernetes import read_kubernetes
from planner.fleet.discover.matched import Matcher
from planner.fleet.discover.nvidia_smi import read_nvidia_smi
from planner.fleet.discover.slurm import expand_hostlist, read_sinfo
from planner.fleet.discover.topo_matrix import read_topo
from planner.fleet.gpu_catalogue import catalogue
from planner.fleet.inventory import Inventory, load_inventory
from planner.fleet.inventory_document import InventoryFile
from planner.fleet.site import site_of
from planner.fleet.tensor_groups import tensor_groups
from planner.units import MIB

OUTPUTS = Path(__file__).with_name("outputs")


def read_back(found: Discovery, tmp_path: Path) -> Inventory:
    path = tmp_path / "found.yaml"
    path.write_text(found.yaml(), encoding="utf-8")
    return load_inventory(path)


def machine(name: str, tmp_path: Path) -> Inventory:
    files = Sources(nvidia_smi=[OUTPUTS / f"{name}.list.txt"], topo=[OUTPUTS / f"{name}.topo.txt"])
    return read_back(discover(files, name="n"), tmp_path)


def test_a_dgx_is_one_switch(tmp_path: Path) -> None:
    inventory = machine("dgx-h200", tmp_path)
    assert inventory.nodes[0].gpu_counts == {"h200-sxm5-141gb": 8}
    assert site_of(inventory, ["n/gpu0", "n/gpu7"]).gbps == 450


def test_a_direct_mesh_gives_a_pair_a_third(tmp_path: Path) -> None:
    inventory = machine("mesh-h100", tmp_path)
    assert site_of(inventory, ["n/gpu0", "n/gpu3"]).gbps == 150
    assert site_of(inventory, [f"n/gpu{i}" for i in range(4)]).gbps == 450


def test_bridged_pairs_are_found_where_they_are(tmp_path: Path) -> None:
    node = machine("pairs-3090", tmp_path).nodes[0]
    groups = tensor_groups(node, "rtx-3090", 2)
    assert [(group.gpus, group.gbps) for group in groups] == [((0, 2), 56.25), ((1, 3), 56.25)]


def test_cards_below_one_switch_stay_together(tmp_path: Path) -> None:
    node = machine("pcie-box", tmp_path).nodes[0]
    assert [group.gpus for group in tensor_groups(node, "l40s", 4)] == [(0, 1, 2, 3), (4, 5, 6, 7)]


def test_mixed_cards_in_one_box(tmp_path: Path) -> None:
    assert machine("mixed-box", tmp_path).nodes[0].gpu_counts == {"rtx-5090": 2, "rtx-4090": 3}


def test_mig_slices_by_memory_and_units(tmp_path: Path) -> None:
    inventory = read_back(discover(Sources(nvidia_smi=[OUTPUTS / "mig-a100.xml"])), tmp_path)
    assert list(inventory.gpu_kinds) == ["a100-sxm4-80gb:1g.20gb"]
    assert inventory.gpu_count == 4


def test_a_busy_gpu_keeps_what_others_hold(tmp_path: Path) -> None:
    found = discover(Sources(nvidia_smi=[OUTPUTS / "busy-t4.xml"]))
    assert read_back(found, tmp_path).nodes[0].used(0) == 1032 * MIB
    assert any("2 processes hold 1,032 MiB" in note for note in found.notes)
    alone = discover(Sources(nvidia_smi=[OUTPUTS / "busy-t4.xml"]), reserve_busy=True)
    assert read_back(alone, tmp_path).nodes[0].usable == ()


def test_an_unknown_gpu_is_kept_with_its_memory(tmp_path: Path) -> None:
    found = discover(Sources(nvidia_smi=[OUTPUTS / "unknown-p2000.xml"]))
    (gpu,) = read_back(found, tmp_path).gpu_kinds.values()
    assert (gpu.name, gpu.memory_gib, gpu.memory_bandwidth_gbps) == ("Quadro P2000", 4.9, None)
    assert any("Quadro P2000 is in no catalogue" in note for note in found.notes)


def test_other_memory_than_the_catalogues_is_believed(tmp_path: Path) -> None:
    text = "|   0  NVIDIA GeForce RTX 4090        Off |\n| 0% 27C P8 15W / 450W |      1MiB / 49140MiB |\n"
    path = tmp_path / "n.txt"
    path.write_text(text)
    (gpu,) = read_back(discover(Sources(nvidia_smi=[path])), tmp_path).gpu_kinds.values()
    assert gpu.slug == "geforce-rtx-4090-48gib" and gpu.memory_gib > 47 and gpu.memory_bandwidth_gbps == 1008


def test_the_plain_table_is_read_too() -> None:
    gpus = read_nvidia_smi((OUTPUTS / "table-a100.txt").read_text(), "t")
    assert [(gpu.name, gpu.memory_mib, gpu.mig_on) for gpu in gpus] == [("NVIDIA A100-SXM4-80GB", 81920, False)] * 3


def test_amd(tmp_path: Path) -> None:
    rocm = read_back(discover(Sources(rocm_smi=[OUTPUTS / "rocm-mi100.json"])), tmp_path)
    assert rocm.nodes[0].gpu_counts == {"mi100": 4}
    files = Sources(amd_smi=[OUTPUTS / "amd-smi-mi300x.json"], amd_smi_memory=[OUTPUTS / "amd-smi-mi300x.memory.json"])
    (node,) = read_back(discover(files), tmp_path).nodes
    assert node.gpu_counts == {"mi300x": 8}
    assert node.used(0) == 170_000 * MIB and node.used(1) == 0


def test_kubernetes_less_what_pods_request(tmp_path: Path) -> None:
    found = discover(Sources(kubectl=OUTPUTS / "kubectl-nodes.json", pods=OUTPUTS / "kubectl-pods.json"))
    inventory = read_back(found, tmp_path)
    free = {node.name: len(node.usable) for node in inventory.nodes}
    assert free == {"xe9680-0": 8, "xe9680-1": 4, "nvl-mig": 3, "a100-single": 14, "t4-shared": 2}
    assert inventory.node("nvl-mig").gpu_counts == {"h100-nvl-94gb:1g.12gb": 2, "h100-nvl-94gb:2g.24gb": 1}
    assert inventory.node("xe9680-0").zone == "dc1-a"
    assert any("xe9680-2: cordoned" in note for note in found.notes)
    assert any("NoSchedule" in note for note in found.notes)


def test_slurm(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"'A100' is ambiguous.*--kind 'A100=KIND'"):
        discover(Sources(sinfo=OUTPUTS / "sinfo.txt"))
    found = discover(Sources(sinfo=OUTPUTS / "sinfo.txt"), kinds={"A100": "a100-sxm4-40gb"})
    counts = {node.name: node.gpu_counts for node in read_back(found, tmp_path).nodes}
    assert counts == {"ana": {"a100-sxm4-80gb": 8}, "axa": {"a100-sxm4-40gb": 8}, "ixh": {"h100-sxm5-80gb": 8}}


def test_slurm_nodes_in_use_and_down() -> None:
    text = (
        "NODELIST|STATE|GRES|GRES_USED\ncn[1-2,07]|mixed|gpu:l40s:4(S:0-1)|gpu:l40s:2(IDX:0,3)\n"
        "cn9|drained*|gpu:l40s:4|gpu:l40s:0(IDX:N/A)\n"
    )
    found = read_sinfo(text, "s")
    assert [node.name for node in found.nodes] == ["cn1", "cn2", "cn07"]
    assert found.nodes[0].taken_gpus == (0, 3)
    assert any("cn9: drained*" in note for note in found.notes)


def test_alike_nodes_make_one_entry() -> None:
    item = json.loads((OUTPUTS / "kubectl-nodes.json").read_text())["items"][0]
    items = [{**item, "metadata": {**item["metadata"], "name": f"n{i}"}} for i in range(3000)]
    found = read_kubernetes(json.dumps({"items": items}), "k")
    assert len(found.nodes) == 3000


def test_entities_are_refused() -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE nvidia_smi_log [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    with pytest.raises(BadInput, match="declares XML entities"):
        read_nvidia_smi(bomb, "x")
    with pytest.raises(BadInput, match="nests too deeply"):
        read_nvidia_smi("<a>" * 100_000, "x")


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (Sources(nvidia_smi=[Path("no-such-file")]), "no such file"),
        (Sources(topo=[OUTPUTS / "dgx-h200.topo.txt"]), "expected an --nvidia-smi FILE"),
        (
            Sources(nvidia_smi=[OUTPUTS / "pairs-3090.list.txt"], topo=[OUTPUTS / "dgx-h200.topo.txt"]),
            "joins 8 GPUs; expected the 4",
        ),
        (Sources(nvidia_smi=[OUTPUTS / "sinfo.txt"]), "names no GPU"),
        (Sources(kubectl=OUTPUTS / "sinfo.txt"), "not JSON"),
        (Sources(kubectl=OUTPUTS / "rocm-mi100.json"), "items: is missing"),
        (Sources(sinfo=OUTPUTS / "kubectl-nodes.json"), "no column GRES"),
        (Sources(rocm_smi=[OUTPUTS / "amd-smi-mi300x.json"]), "names no card"),
    ],
)
def test_wrong_files_are_one_line(sources: Sources, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        discover(sources)


@pytest.mark.parametrize("text", ["cn[1-99999999]", "cn[1-", "cn[a-b]", "cn[2-1]" * 3 + "]"])
def test_broken_host_lists(text: str) -> None:
    with pytest.raises(BadInput):
        expand_hostlist(text, "s")


KEYS = """items metadata spec status labels name allocatable nvidia.com/gpu nvidia.com/gpu.product taints containers
conditions nodeName resources limits card0 gpu_data asic market_name vram size value unit gpu amd.com/gpu"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("NVIDIA-L4"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*KEYS.split(), "Card Series", "VRAM Total Memory (B)"]), inner, max_size=5)
    ),
    max_leaves=25,
)


def through(found: Found) -> None:
    document, _ = inventory_of(found, Matcher(catalogue()), "x")
    InventoryFile.parse(document)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON)
def test_any_json_is_read_or_refused_in_one_line(content: Any, other: Any) -> None:
    text, more = json.dumps(content), json.dumps(other)
    for reader in (
        lambda: through(read_kubernetes(text, "k", more)),
        lambda: through(Found((FoundNode("n", read_rocm_smi(text, "r")),))),
        lambda: through(Found((FoundNode("n", read_amd_smi(text, "a", more)),))),
    ):
        try:
            reader()
        except GpuplanError as error:
            assert "\n" not in str(error)


PIECES = st.sampled_from(
    [
        "GPU0",
        "GPU1",
        "GPU 0:",
        " X ",
        "NV4",
        "SYS",
        "\n",
        "\t",
        "|",
        "MiB / 5MiB",
        "  On |",
        "<gpu>",
        "</gpu>",
        "gpu:a:2",
    ]
) | st.sampled_from(
    ["GRES", "NODELIST", "(IDX:0-9999)", "n[1-3]", "<product_name>", "&a;", "{", '"items"', "é", "GPU7"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=30))
def test_any_text_is_read_or_refused_in_one_line(pieces: list[str]) -> None:
    text = "".join(pieces)
    for reader in (read_nvidia_smi, read_topo, read_sinfo, read_rocm_smi, read_amd_smi, read_kubernetes):
        try:
            reader(text, "x")
        except GpuplanError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("name", "kind", "gbps"),
    [("sys-4090", "rtx-4090", 31.52), ("hca-a100", "a100-sxm4-80gb", 300), ("old-pcie", "p40", 15.76)],
)
def test_matrices_with_rows_of_adapters_and_old_ones(name: str, kind: str, gbps: float, tmp_path: Path) -> None:
    inventory = machine(name, tmp_path)
    assert inventory.nodes[0].gpu_counts == {kind: 8}
    assert site_of(inventory, ["n/gpu0", "n/gpu7"]).gbps == gbps


def test_the_log_without_xml(tmp_path: Path) -> None:
    (gpu,) = read_nvidia_smi((OUTPUTS / "log-1080ti.txt").read_text(), "log")
    assert (gpu.name, gpu.memory_mib, gpu.used_mib) == ("GeForce GTX 1080 Ti", 11264, 185)
    assert read_nvidia_smi((OUTPUTS / "wddm-3080ti.xml").read_text(), "xml")[0].memory_mib is None


def test_graphics_of_a_processor_are_kept_out(tmp_path: Path) -> None:
    found = discover(Sources(rocm_smi=[OUTPUTS / "rocm-6800-raphael.csv"]), name="n")
    node = read_back(found, tmp_path).nodes[0]
    assert node.usable == (0,) and len(node.gpus) == 2
    assert any("n/gpu1: Raphael, a part of the processor with 64 MiB" in note for note in found.notes)


def test_amd_smi_without_json() -> None:
    (gpu,) = read_amd_smi((OUTPUTS / "amd-smi-mi350x.txt").read_text(), "text")
    assert (gpu.name, gpu.architecture, gpu.memory_mib) == ("AMD Instinct MI350X", "gfx950", 294896)


def test_scontrol() -> None:
    found = read_sinfo((OUTPUTS / "scontrol.txt").read_text(), "scontrol")
    assert {node.name: (node.gpus[0].name, len(node.gpus), node.taken) for node in found.nodes} == {
        "esc8000a-1": ("a40", 1, 0),
        "node01": ("h100", 8, 8),
        "node02": ("h100", 8, 3),
    }
    assert any("yigou-dev-102-68: IDLE+DRAIN, left out" in note for note in found.notes)


def test_slurm_names_what_jobs_hold() -> None:
    found = read_sinfo((OUTPUTS / "sinfo-used.txt").read_text(), "sinfo")
    taken = {node.name: node.taken_gpus for node in found.nodes}
    assert (taken["fb10dl09"], taken["fb10dl05"]) == ((0, 1, 2), ())


def test_kubernetes_mig_time_slicing_and_amd(tmp_path: Path) -> None:
    found = discover(Sources(kubectl=OUTPUTS / "kubectl-kinds.json"))
    counts = {node.name: sum(node.gpu_counts.values()) for node in read_back(found, tmp_path).nodes}
    assert counts == {"as-4124": 6, "sliced": 1, "single-mig": 14, "amd1": 8}
    assert any("nvidia1: offers 1 GPUs of no stated kind" in note for note in found.notes)
