"""What `gpuplan discover`, `prices`, `prices update` and `catalog` print under `--json`."""

from typing import Any

from pydantic import Field, RootModel

from planner.documents import Document


class Discovery(Document):
    """The inventory that was found (`gpuplan schema inventory`), and what was left out or assumed."""

    inventory: dict[str, Any]
    notes: list[str]


class Offer(Document):
    """What a cloud asks for one instance."""

    cloud: str
    instance_type: str
    gpu: str
    gpu_count: int
    memory_gib: float = Field(description="of one device, as programs see it")
    region: str
    spot: bool
    usd_per_hour: float | None
    usd_per_gpu_hour: float | None
    network_gbit_per_s: float | None
    vcpus: float | None
    ram_gib: float | None
    limit: int | None
    as_of: str
    note: str
    source: str


class Offers(Document):
    """Offers, cheapest a GPU first."""

    offers: list[Offer]


class PriceChange(Document):
    """A price that a newer list changes."""

    instance: str
    region: str | None
    old_usd_per_hour: float | None
    usd_per_hour: float | None
    old_spot_usd_per_hour: float | None
    spot_usd_per_hour: float | None
    as_of: str


class PriceUpdate(Document):
    """What a newer price list changes, and where it is kept."""

    source: str
    lines: int
    new: list[str]
    changed: list[PriceChange]
    kept_at: str | None


class Catalogue(RootModel[list[dict[str, Any]]]):
    """The lines of one part of the catalogue; what a line holds depends on the part."""
