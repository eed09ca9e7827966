"""Price lists: what clouds ask for their instance types, from `hardware/prices/*.csv` and the user's own files."""

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

from planner.data_files import data_path, read_text
from planner.errors import BadInput, GpuplanError
from planner.fleet.gpu_catalogue import catalogue
from planner.fleet.offer import Offer
from planner.fleet.user_files import price_files

REQUIRED = ("cloud", "instance_type", "gpu_slug", "gpu_count")
COLUMNS = (
    *REQUIRED, "gpu_memory_gib", "vcpus", "ram_gib", "on_demand_usd_per_hour", "on_demand_region",
    "spot_usd_per_hour", "spot_region", "intra_node_link", "inter_node_gbps", "as_of", "note", "limit",
)  # fmt: skip
_LONGEST_CELL = 200


@dataclass(frozen=True)
class PriceLine:
    """One line of a price list: an instance type with its prices in USD an hour.

    `gpu_count` counts packages; below 1 it is a share of one. `gbit_per_s` is the network of the whole
    instance. None is unknown.
    """

    cloud: str
    instance_type: str
    gpu: str
    gpu_count: Fraction
    vcpus: float | None
    ram_gib: float | None
    on_demand: float | None
    on_demand_region: str
    spot: float | None
    spot_region: str
    link: str
    gbit_per_s: float | None
    as_of: str
    note: str
    limit: int | None
    source: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What a newer line replaces: the type in its regions."""
        return self.cloud, self.instance_type, self.on_demand_region, self.spot_region

    def offers(self) -> Iterable[Offer]:
        """The on-demand offer, and the spot one where there is a spot price."""
        for spot, price, region in (
            (False, self.on_demand, self.on_demand_region),
            (True, self.spot, self.spot_region or self.on_demand_region),
        ):
            if price is not None or not spot:
                yield Offer(
                    self.cloud, self.instance_type, region, spot, price, self.as_of, self.source, self.note, self.limit
                )


def price_lines() -> tuple[PriceLine, ...]:
    """All lines, ours in file order with those of the user's files in their place or after them."""
    return _merged(price_files())


@cache
def _merged(files: tuple[Path, ...]) -> tuple[PriceLine, ...]:
    shipped = sorted(data_path("hardware", "prices").glob("*.csv"))
    lines: dict[tuple[str, str, str, str], PriceLine] = {}
    for path in (*shipped, *files):
        for line in read_price_list(path):
            lines[line.key] = line
    return tuple(lines.values())


def read_price_list(path: Path, *, name: str | None = None) -> tuple[PriceLine, ...]:
    """Read one CSV file; raises BadInput that names file, line and column. `name` stands for the file in messages."""
    return parse_price_list(read_text(path), name or str(path))


def parse_price_list(text: str, name: str) -> tuple[PriceLine, ...]:
    """Read the text of a price list; raises BadInput that names the list, line and column."""
    try:
        rows = csv.reader(text.splitlines(), strict=True)
        header = [column.strip() for column in next(rows, [])]
        _check_header(header, name)
        lines = [_Row(dict(zip(header, row, strict=False)), len(row), len(header), f"{name}:{rows.line_num}").line(name)
                 for row in rows if any(cell.strip() for cell in row)]  # fmt: skip
    except csv.Error as error:
        raise BadInput(f"not CSV: {error}", where=name) from None
    seen: dict[tuple[str, str, str, str], int] = {}
    for number, line in enumerate(lines, start=1):
        if (before := seen.setdefault(line.key, number)) != number:
            what = f"{line.cloud} {line.instance_type} in {line.on_demand_region or 'no region'}"
            raise BadInput(f"{what} stands there twice (entries {before} and {number})", where=name)
    return tuple(lines)


def _check_header(header: list[str], name: str) -> None:
    for column in header:
        if column not in COLUMNS or header.count(column) > 1:
            problem = "stands there twice" if column in COLUMNS else "is no column of a price list"
            raise BadInput(problem, where=f"{name}:1", field=column[:60] or "''", expected=f"of {', '.join(COLUMNS)}")
    if missing := [column for column in REQUIRED if column not in header]:
        raise BadInput("is missing", where=f"{name}:1", field=missing[0], expected=f"columns {', '.join(REQUIRED)} ...")


@dataclass(frozen=True)
class _Row:
    """The cells of one line by column, and where it stands."""

    cells: dict[str, str]
    width: int
    expected_width: int
    where: str

    def line(self, source: str) -> PriceLine:
        if self.width != self.expected_width:
            raise BadInput(f"has {self.width} cells", where=self.where, expected=f"{self.expected_width} as in line 1")
        price, spot = self._number("on_demand_usd_per_hour"), self._number("spot_usd_per_hour")
        gpu = self._gpu()
        limit = self._number("limit")
        return PriceLine(
            cloud=self._text("cloud", needed=True).lower(),
            instance_type=self._text("instance_type", needed=True),
            gpu=gpu,
            gpu_count=self._gpu_count(),
            vcpus=self._number("vcpus"),
            ram_gib=self._number("ram_gib"),
            on_demand=price,
            on_demand_region=self._text("on_demand_region"),
            spot=spot,
            spot_region=self._text("spot_region"),
            link=self._text("intra_node_link"),
            gbit_per_s=self._number("inter_node_gbps"),
            as_of=self._text("as_of") or "undated",
            note=self.cells.get("note", "").strip(),
            limit=None if limit is None else int(limit),
            source=source,
        )

    def _gpu(self) -> str:
        try:
            gpu, _ = catalogue().find(self._text("gpu_slug", needed=True), where=f"{self.where}: gpu_slug")
        except GpuplanError as error:
            raise error from None
        stated = self._number("gpu_memory_gib")
        share = min(Fraction(1), self._gpu_count())
        marketed = (gpu.memory_marketed_gb or gpu.memory_gib) * float(share)
        if stated is not None and not 0.85 * marketed <= stated <= 1.15 * marketed:
            raise self._bad("gpu_memory_gib", f"about {marketed:g} for {float(share):g} of a {gpu.slug}")
        return gpu.slug

    def _gpu_count(self) -> Fraction:
        number = self._number("gpu_count", needed=True)
        count = Fraction(number or 0).limit_denominator(16)
        if not 0 < count <= 1024 or (count > 1 and count.denominator > 1):
            raise self._bad("gpu_count", "a whole number of GPUs, or a share below 1")
        return count

    def _number(self, column: str, *, needed: bool = False) -> float | None:
        text = self._text(column, needed=needed)
        if not text:
            return None
        try:
            number = float(text)
        except ValueError:
            raise self._bad(column, "a number, or an empty cell when unknown") from None
        if not math.isfinite(number) or number < 0 or number > 1e9:
            raise self._bad(column, "a number from 0 up")
        return number

    def _text(self, column: str, *, needed: bool = False) -> str:
        text = self.cells.get(column, "").strip()
        odd = any(not character.isprintable() for character in text)
        spaced = column in ("cloud", "instance_type") and any(c.isspace() or c in "/,*?:" for c in text)
        if odd or spaced or len(text) > _LONGEST_CELL:
            raise self._bad(column, "a short name without spaces or any of / , * ? :" if spaced else "a short text")
        if needed and not text:
            raise BadInput("is empty", where=self.where, field=column, expected="a value")
        return text

    def _bad(self, column: str, expected: str) -> BadInput:
        return BadInput(f"is {self.cells.get(column, '')[:40]!r}", where=self.where, field=column, expected=expected)
