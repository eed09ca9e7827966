"""Taking in a newer price list: from a file or an address, checked, compared with what is known, kept for the user."""

import re
from dataclasses import dataclass
from pathlib import Path

from planner.data_files import read_text
from planner.errors import BadInput
from planner.fleet.price_list import PriceLine, parse_price_list, price_lines
from planner.fleet.user_files import data_directory

_LARGEST = 16 * 2**20
_SECONDS = 30


@dataclass(frozen=True)
class PriceChange:
    """What became of one line: `old` is None for a new one; both are alike but for prices, limits and dates."""

    old: PriceLine | None
    new: PriceLine

    @property
    def cheaper(self) -> float | None:
        """Change of the on-demand price as a share of the old one; None when either is unknown."""
        if self.old is None or not self.old.on_demand or self.new.on_demand is None:
            return None
        return self.new.on_demand / self.old.on_demand - 1


@dataclass(frozen=True)
class PriceUpdate:
    """A list that was read, what it changes, and where it was kept (None when it was not)."""

    source: str
    lines: int
    new: tuple[PriceChange, ...]
    changed: tuple[PriceChange, ...]
    kept_at: Path | None


def update_prices(source: str, *, keep: bool = True) -> PriceUpdate:
    """Read a price list and keep it over the known ones; raises BadInput, and keeps nothing, when it is not one."""
    text = _fetch(source) if re.match(r"[a-z][a-z0-9+.-]*://", source, re.IGNORECASE) else read_text(Path(source))
    lines = parse_price_list(text, source)
    if not lines:
        raise BadInput("has no prices", where=source, expected="a line for each instance type")
    known = {line.key: line for line in price_lines()}
    changes = [PriceChange(known.get(line.key), line) for line in lines]
    new = tuple(change for change in changes if change.old is None)
    changed = tuple(change for change in changes if change.old is not None and _differs(change.old, change.new))
    path = data_directory() / "prices" / _file_name(source) if keep else None
    if path:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"cannot be written: {error.strerror}", where=path) from None
    return PriceUpdate(source, len(lines), new, changed, path)


def _differs(old: PriceLine, new: PriceLine) -> bool:
    return any(
        getattr(old, name) != getattr(new, name)
        for name in ("gpu", "gpu_count", "on_demand", "spot", "as_of", "limit", "gbit_per_s", "link")
    )


def _file_name(source: str) -> str:
    """The list's own name; a further list of that name takes its place."""
    stem = re.sub(r"[?#].*", "", source).rstrip("/").rpartition("/")[2].removesuffix(".csv")
    return f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', stem).strip('.-') or 'prices'}.csv"


def _fetch(address: str) -> str:
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not address.lower().startswith(("http://", "https://")):
        raise BadInput(f"is {address[:80]!r}", where="--from", expected="a file, or an http:// or https:// address")
    try:
        request = Request(address, headers={"User-Agent": "gpuplan"})
        with urlopen(request, timeout=_SECONDS) as answer:
            content: bytes = answer.read(_LARGEST + 1)
    except HTTPError as error:
        raise BadInput(f"answers {error.code} {error.reason}", where=address) from None
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadInput(f"cannot be reached: {str(reason).splitlines()[0][:100]}", where=address) from None
    if len(content) > _LARGEST:
        raise BadInput(f"is larger than {_LARGEST >> 20} MiB", where=address, expected="a price list")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8 text", where=address, expected="a price list as CSV") from None
