"""What a GPU more of a kind costs an hour."""

from planner.fleet.inventory import Inventory
from planner.fleet.price_list import price_lines


def gpu_price(inventory: Inventory, slug: str) -> float | None:
    """Return USD an hour for a GPU of a kind: the least in the inventory, else in the price lists; None if unknown."""
    own = [
        (node.usd_per_hour or 0.0) / len(node.gpus) + (node.usd_per_gpu_hour or 0.0)
        for node in (group.like for group in inventory.groups)
        if node.priced and slug in node.gpu_counts
    ]
    if any(own):
        return min(price for price in own if price)
    listed = [
        offer.usd_per_hour / float(line.gpu_count)
        for line in price_lines()
        if line.gpu == slug and line.gpu_count
        for offer in line.offers()
        if offer.usd_per_hour and not offer.spot
    ]
    return min(listed, default=None)
