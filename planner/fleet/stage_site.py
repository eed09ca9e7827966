"""The site of a stage whose ranks form several tensor-parallel groups."""

from collections.abc import Sequence
from dataclasses import replace

from planner.fleet.inventory import Inventory
from planner.fleet.site import Site, site_of


def stage_site(inventory: Inventory, devices: Sequence[str], group: int, next_devices: Sequence[str] = ()) -> Site:
    """Return the site of a stage; its link is that inside its tensor-parallel groups of `group`, of the worst one.

    Raises UnknownName for a device that is not there, BadInput when there is none.
    """
    whole = site_of(inventory, devices, next_devices)
    if group >= len(devices):
        return whole
    parts = [site_of(inventory, devices[first : first + group]) for first in range(0, len(devices), group)]
    worst = min(parts, key=lambda site: (site.peer_access, site.gbps))
    return replace(whole, link=worst.link, gbps=worst.gbps)
