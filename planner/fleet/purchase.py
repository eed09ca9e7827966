"""Buying: the instances that a purchase allows, each type a group of nodes with a price and a limit."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from planner.errors import BadInput, UnknownName
from planner.fleet.gpu_catalogue import GpuCatalogue
from planner.fleet.inventory_document import PurchaseEntry
from planner.fleet.limits import RENTED_OF_A_TYPE
from planner.fleet.node_catalogue import domain_gpus
from planner.fleet.node_group import NodeGroup
from planner.fleet.offer import Offer
from planner.fleet.offered_node import offered_node
from planner.fleet.price_list import PriceLine, price_lines
from planner.near_names import near_names

_UNSERVED = ("aws", "google")
"""Vendors whose accelerators no engine profile runs; taken only when they are asked for by name."""


def purchases(
    entry: PurchaseEntry, kinds: GpuCatalogue, *, where: str | None, field: str
) -> tuple[list[NodeGroup], list[str]]:
    """Return a group of nodes for each offer that the purchase allows, and what was assumed.

    Raises UnknownName for a cloud, type, region or GPU that no list has, BadInput when nothing is left.
    """
    place = f"{where}: {field}" if where else field
    lines = _of_clouds(entry.cloud, place)
    if entry.instance_types:
        lines = _of_types(lines, entry, place)
    lines, notes = _of_gpus(lines, entry, kinds, place)
    pairs = [(line, offer) for line in lines for offer in line.offers() if _wanted(offer, entry.spot)]
    if not pairs:
        raise _nothing_left(entry, place)
    pairs = _in_regions(pairs, entry, place)
    if not entry.instance_types:
        priced = [(line, offer) for line, offer in pairs if offer.usd_per_hour is not None]
        if left_out := len(pairs) - len(priced):
            notes.append(f"{left_out} instance types of {', '.join(entry.cloud)} have no known price: left out")
        pairs = priced
    groups = _groups(pairs, entry, kinds)
    if not groups:
        raise _nothing_left(entry, place)
    if entry.limit is None and any(group.like.offer and group.like.offer.limit is None for group in groups):
        notes.append(f"no quota is stated: up to {RENTED_OF_A_TYPE:,} instances of each rented type")
    return groups, [*notes, *_notes(groups)]


def _nothing_left(entry: PurchaseEntry, place: str) -> BadInput:
    kind = "spot price" if entry.spot in (True, "only") else "priced instance"
    hint = "a choice that `gpuplan prices` lists; --prices FILE adds your own"
    return BadInput(f"leaves no {kind} of {', '.join(entry.cloud)}", where=place, expected=hint)


def clouds() -> list[str]:
    """Clouds that the price lists know, in their order."""
    return list(dict.fromkeys(line.cloud for line in price_lines()))


def _of_clouds(names: Sequence[str], place: str) -> list[PriceLine]:
    known = clouds()
    for name in names:
        if name.lower() not in known:
            raise UnknownName("cloud", name[:60], near_names(name[:60], known) or known, where=place)
    wanted = {name.lower() for name in names}
    return [line for line in price_lines() if line.cloud in wanted]


def _of_types(lines: Sequence[PriceLine], entry: PurchaseEntry, place: str) -> list[PriceLine]:
    types = {line.instance_type.lower() for line in lines}
    for name in entry.instance_types:
        if name.lower() not in types:
            names = [line.instance_type for line in lines]
            raise UnknownName("instance", name[:60], near_names(name[:60], names) or names[:4], where=place)
    wanted = {name.lower() for name in entry.instance_types}
    return [line for line in lines if line.instance_type.lower() in wanted]


def _of_gpus(
    lines: Sequence[PriceLine], entry: PurchaseEntry, kinds: GpuCatalogue, place: str
) -> tuple[list[PriceLine], list[str]]:
    if entry.gpus:
        wanted: set[str] = set()
        notes: list[str] = []
        for name in entry.gpus:
            gpu, more = kinds.find(name, where=place)
            wanted.add(gpu.slug)
            notes += more
        return [line for line in lines if line.gpu in wanted], notes
    if entry.instance_types:
        return list(lines), []
    served = [line for line in lines if kinds.kinds[line.gpu].vendor not in _UNSERVED]
    unserved = sorted({line.gpu for line in lines if line not in served})
    return served, [f"{', '.join(unserved)}: no engine here runs them, left out of the offers"] if unserved else []


def _wanted(offer: Offer, spot: bool | str) -> bool:
    return spot == "also" or offer.spot == (spot in (True, "only"))


def _in_regions(
    pairs: Sequence[tuple[PriceLine, Offer]], entry: PurchaseEntry, place: str
) -> list[tuple[PriceLine, Offer]]:
    if not entry.region:
        return list(pairs)
    known = list(dict.fromkeys(offer.region for _, offer in pairs if offer.region))
    for name in entry.region:
        if name.lower() not in (region.lower() for region in known):
            near = near_names(name[:60], known) or known[:6]
            raise UnknownName("region", name[:60], near, where=place)
    wanted = {name.lower() for name in entry.region}
    return [(line, offer) for line, offer in pairs if offer.region.lower() in wanted]


def _groups(pairs: Sequence[tuple[PriceLine, Offer]], entry: PurchaseEntry, kinds: GpuCatalogue) -> list[NodeGroup]:
    times = Counter((offer.cloud, offer.instance_type, offer.spot) for _, offer in pairs)
    groups = []
    for line, offer in pairs:
        limits = [limit for limit in (entry.limit, offer.limit) if limit is not None]
        count = min(limits) if limits else RENTED_OF_A_TYPE
        if not count:
            continue
        offer = replace(offer, limit=min(limits) if limits else None)
        several = times[offer.cloud, offer.instance_type, offer.spot] > 1
        words = [offer.cloud, offer.instance_type, offer.region if several else "", "spot" if offer.spot else ""]
        node = offered_node(line, offer, kinds)
        domain = domain_gpus(node.gpus[0].slug) // len(node.gpus) if node.domain_gbps else 0
        groups.append(NodeGroup(node, count, "-".join(filter(None, words)) + "-", 0, domain if count > 1 else 0))
    return groups


def _notes(groups: Iterable[NodeGroup]) -> list[str]:
    offers = [group.like.offer for group in groups if group.like.offer]
    by_cloud: dict[str, set[str]] = {}
    for offer in offers:
        by_cloud.setdefault(offer.cloud, set()).add(offer.as_of)
    notes = [f"prices of {cloud}: {', '.join(sorted(dates))}" for cloud, dates in by_cloud.items()]
    if any(offer.spot for offer in offers):
        notes.append("spot instances may be taken back at any time")
    return notes
