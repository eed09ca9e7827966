"""Shorthand: what each form stands for, and near names for what it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.errors import BadInput, GpuplanError
from planner.fleet.inventory import load_inventory


def test_several_nodes() -> None:
    inventory = load_inventory("4xL40S,2x3090")
    assert [(node.name, len(node.gpus)) for node in inventory.nodes] == [("node0", 4), ("node1", 2)]


def test_node_types_of_the_catalogue() -> None:
    inventory = load_inventory("2xDGX-H100,1x4xL40S")
    assert [(node.name, node.kind, len(node.gpus)) for node in inventory.nodes] == [
        ("node0", "dgx-h100", 8), ("node1", "dgx-h100", 8), ("node2", None, 4),
    ]  # fmt: skip


def test_instances_with_their_price_and_memory() -> None:
    inventory = load_inventory("aws:p4d.24xlarge*4")
    assert len(inventory.nodes) == 4
    node = inventory.nodes[0]
    assert node.usd_per_hour == 21.957642
    assert node.gpus[0].memory_gib == 39.49  # not the nominal 40
    assert node.offer and (node.offer.region, node.offer.as_of, node.offer.limit) == ("us-east-1", "2026-07-20", 4)
    assert node.network_gbps == pytest.approx(400 / 8 / 8)


def test_clouds_are_bought_on_demand_unless_spot_is_asked_for() -> None:
    offers = [group.like.offer for group in load_inventory("cloud:aws,gcp").groups]
    assert {offer.cloud for offer in offers if offer} == {"aws", "gcp"}
    assert not any(offer.spot for offer in offers if offer)
    spot = [group.like.offer for group in load_inventory("cloud:gcp?region=us-east5&spot").groups]
    assert spot and all(offer and offer.spot and offer.region == "us-east5" for offer in spot)


def test_own_and_rented() -> None:
    inventory = load_inventory("8xA100-80GB,cloud:gcp?gpu=H100&limit=2")
    own, *rented = inventory.groups
    assert own.like.usd_per_hour == 0 and inventory.priced
    assert {group.count for group in rented} == {2}
    assert {gpu.slug for group in rented for gpu in group.like.gpus} == {"h100-sxm5-80gb"}


def test_a_share_of_a_gpu_is_a_kind_of_its_own() -> None:
    (group,) = load_inventory("azure:Standard_NV6ads_A10_v5*1").groups
    (gpu,) = group.like.gpus
    assert gpu.slug == "a10:1/6"
    assert gpu.memory_gib == pytest.approx(22.05 / 6)


def test_bridged_pairs_of_rented_cards() -> None:
    (group,) = load_inventory("azure:Standard_NC96ads_A100_v4*1").groups
    pair, across = group.like.tightest((2, 3)), group.like.tightest((1, 2))
    assert pair and across and pair.gbps > across.gbps


WRONG = {
    "cloud:awz": "did you mean aws",
    "cloud:aws?region=us-east-7": "did you mean us-east-1",
    "cloud:aws?spot": "leaves no spot price of aws",
    "cloud:aws?colour=red": "no selector",
    "cloud:aws?spot=maybe": "spot",
    "aws:p4d.24xlarg*4": "did you mean p4d.24xlarge",
    "aws:p4d.24xlarge*0": "1 to",
    "aws:p4d.24xlarge*x": "whole number",
    "aws:": "no instance type",
    "cloud:": "cloud",
    "1000000000000x8xH100": "too large",
    "8x" + "H" * 5000: ".",
    "9" * 6000 + "xH100": ".",
    "-8xH100": "is no node",
    "8xA100": "ambiguous",
    ",": "has no nodes",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=[text[:20] for text in WRONG])
def test_wrong_shorthand(text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message) as caught:
        load_inventory(text)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


@given(
    st.lists(st.sampled_from(["8xH100", "cloud:", "aws", ",", "*", "?", "&spot", "4", "x", ":", " ", "=", "\n", "é"]))
)
def test_any_text_is_an_inventory_or_one_line(parts: list[str]) -> None:
    try:
        assert load_inventory("".join(parts)).gpu_count > 0
    except GpuplanError as error:
        assert "\n" not in str(error)
