"""The offers of the price lists, filtered and sorted: what `gpuplan prices` shows."""

from typing import Any

from planner.errors import UnknownName
from planner.fleet.gpu import Gpu
from planner.fleet.gpu_catalogue import catalogue
from planner.fleet.offer import Offer
from planner.fleet.offered_node import devices_of
from planner.fleet.price_list import PriceLine, price_lines
from planner.near_names import near_names


def price_listing(
    *,
    clouds: tuple[str, ...] = (),
    gpus: tuple[str, ...] = (),
    regions: tuple[str, ...] = (),
    types: tuple[str, ...] = (),
    spot: bool | None = None,
    below: float | None = None,
) -> list[dict[str, Any]]:
    """Return the offers as plain data, cheapest a GPU first; those of unknown price last.

    Memory is what programs see on one device, in GiB; `below` is USD an hour of the instance. Raises
    UnknownName for a cloud, region or GPU that no list has.
    """
    kinds = catalogue()
    lines = price_lines()
    wanted = {kinds.find(name)[0].slug for name in gpus}
    known_regions = {offer.region for line in lines for offer in line.offers() if offer.region}
    _refuse_unknown("cloud", clouds, {line.cloud for line in lines})
    _refuse_unknown("region", regions, known_regions)
    rows = []
    for line in lines:
        devices = devices_of(line.gpu_count, kinds.kinds[line.gpu])
        for offer in line.offers():
            price = offer.usd_per_hour
            if (
                (clouds and line.cloud not in clouds)
                or (wanted and line.gpu not in wanted)
                or (regions and offer.region not in regions)
                or (types and not any(word.lower() in line.instance_type.lower() for word in types))
                or (spot is not None and offer.spot != spot)
                or (below is not None and (price is None or price > below))
            ):
                continue
            rows.append(_row(line, offer, devices))
    return sorted(rows, key=_order)


def _row(line: PriceLine, offer: Offer, devices: tuple[Gpu, ...]) -> dict[str, Any]:
    price = offer.usd_per_hour
    return {
        "cloud": offer.cloud,
        "instance_type": offer.instance_type,
        "gpu": devices[0].slug,
        "gpu_count": len(devices),
        "memory_gib": round(devices[0].memory_gib, 2),
        "region": offer.region,
        "spot": offer.spot,
        "usd_per_hour": price,
        "usd_per_gpu_hour": round(price / len(devices), 4) if price is not None else None,
        "network_gbit_per_s": line.gbit_per_s,
        "vcpus": line.vcpus,
        "ram_gib": line.ram_gib,
        "limit": line.limit,
        "as_of": offer.as_of,
        "note": offer.note,
        "source": offer.source.rpartition("/")[2],
    }


def _order(row: dict[str, Any]) -> tuple[Any, ...]:
    price = row["usd_per_gpu_hour"]
    return (price is None, price or 0.0, row["cloud"], row["instance_type"], row["region"], row["spot"])


def _refuse_unknown(kind: str, names: tuple[str, ...], known: set[str]) -> None:
    for name in names:
        if name not in known:
            raise UnknownName(kind, name[:60], near_names(name[:60], known) or sorted(known)[:8])
