"""The example inventory that docs/inventories.md shows says what its comments say."""

import pytest

from planner.data_files import data_path
from planner.fleet.inventory import load_inventory

EXAMPLE = data_path("specs", "inventories", "own_and_rented.yaml")


def test_own_nodes_as_the_comments_say() -> None:
    nodes = {node.name: node for node in load_inventory(EXAMPLE).nodes}
    assert nodes["dgx0"].usd_per_hour == pytest.approx(9.0 + 6.5 * 0.25)
    assert nodes["bench"].usable == (0, 1, 3)
    assert nodes["bench"].used(3) == 8 * 2**30
    assert [gpu.part for gpu in nodes["sliced"].gpus] == ["3g.40gb", "3g.40gb", None]


def test_rented_nodes_are_of_the_kinds_and_the_region_named() -> None:
    rented = [node for node in load_inventory(EXAMPLE).nodes if node.offer]
    assert {gpu.slug for node in rented for gpu in node.gpus} == {"l40s", "h100-sxm5-80gb"}
    assert {node.zone for node in rented} == {"us-east-1"}
