"""The site of a stage: the link it really has."""

from planner.fleet.inventory import load_inventory
from planner.fleet.island import LinkClass
from planner.fleet.site import site_of
from planner.units import GIB


def devices(node: str, *indices: int) -> list[str]:
    return [f"{node}/gpu{index}" for index in indices]


def test_inside_a_node_and_on_to_the_next() -> None:
    inventory = load_inventory("2x8xH100-SXM")
    site = site_of(inventory, devices("node0", *range(8)), devices("node1", *range(8)))
    assert (site.link, site.gbps) == (LinkClass.NVLINK, 450)
    assert (site.next_link, site.next_gbps) == (LinkClass.NETWORK, 50)


def test_an_nvlink_pair_and_its_neighbour(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "f.yaml"
    path.write_text("nodes: [{name: a, gpus: 4x3090, pairs: [[0, 1], [2, 3]], used_memory: {1: 2GiB}}]")
    inventory = load_inventory(path)
    site = site_of(inventory, devices("a", 0, 1), devices("a", 2, 3))
    assert (site.link, site.gbps, site.next_link) == (LinkClass.NVLINK, 56.25, LinkClass.PCIE)
    assert site.used_bytes == 2 * GIB
    assert site_of(inventory, devices("a", 1, 2)).link is LinkClass.PCIE


def test_trays_of_one_rack_are_joined_by_nvlink() -> None:
    inventory = load_inventory("36x4xGB200")
    both = [*devices("node0", *range(4)), *devices("node17", *range(4))]
    assert (site_of(inventory, both).link, site_of(inventory, both).gbps) == (LinkClass.NVLINK, 900)
    apart = [*devices("node0", *range(4)), *devices("node18", *range(4))]
    assert site_of(inventory, apart).link is LinkClass.NETWORK


def test_two_gpus_of_a_direct_mesh_get_one_link_each() -> None:
    inventory = load_inventory("4xH100-SXM")
    assert site_of(inventory, devices("node0", 0, 1)).gbps == 150
    assert site_of(inventory, devices("node0", 0, 1, 2, 3)).gbps == 450
