"""An offer: what a cloud asks for one instance of a type, in one region, on one day."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Offer:
    """The price of a whole instance in USD an hour, Linux, no commitment.

    `spot` instances may be taken back at any time. `as_of` is the date of the price (`undated` where the
    list has none); `source` is the list it came from; `note` says what is odd about it. A price of None
    means that the list knows the type and not its price. `limit` is the most instances one may have.
    """

    cloud: str
    instance_type: str
    region: str
    spot: bool
    usd_per_hour: float | None
    as_of: str
    source: str = ""
    note: str = ""
    limit: int | None = None

    @property
    def basis(self) -> str:
        """`aws p5.48xlarge, on demand in us-east-1, 2026-07-20`."""
        kind = "spot" if self.spot else "on demand"
        place = f" in {self.region}" if self.region else ""
        return f"{self.cloud} {self.instance_type}, {kind}{place}, {self.as_of}"
