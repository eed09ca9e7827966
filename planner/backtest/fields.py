"""The fields of one recorded row, read with their types; what does not hold is named, never guessed."""

from collections.abc import Mapping
from typing import Any

from planner.errors import BadInput

Value = float | Mapping[str, float]
"""A measured or predicted quantity: one number, or one for each device."""

LARGEST = 16384
"""Ranks of one replica beyond which a row is taken to be wrong."""


class Fields:
    """A row as a reader sees it: a field that is absent or null is None, one of the wrong type raises BadInput."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row

    def text(self, *names: str) -> str | None:
        """Return the first of `names` that holds words; numbers are written out."""
        value = self._first(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self._wrong(names[0], value, "words")
        return str(value).strip() or None

    def size(self, *names: str) -> int | None:
        """Return the first of `names` as a number of ranks or devices."""
        found = self.whole(*names)
        if found is not None and found > LARGEST:
            raise self._wrong(names[0], found, f"at most {LARGEST:,}")
        return found

    def whole(self, *names: str, least: int = 1) -> int | None:
        """Return the first of `names` as a whole number of at least `least`."""
        value = self._first(names)
        if value is None:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self._wrong(names[0], value, f"a whole number from {least} up")
        return value

    def number(self, *names: str) -> float | None:
        """Return the first of `names` as a number."""
        value = self._first(names)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(names[0], value, "a number")
        return float(value)

    def flag(self, *names: str) -> bool | None:
        """Return the first of `names` as true or false."""
        value = self._first(names)
        if value is not None and not isinstance(value, bool):
            raise self._wrong(names[0], value, "true or false")
        return value

    def words(self, *names: str) -> str:
        """Join what free text the fields hold, for the readers of hints."""
        return " ; ".join(str(self.row[name]) for name in names if isinstance(self.row.get(name), str))

    def measured(self) -> dict[str, Value]:
        """Return the numbers of `measured`, by name; nulls and words are left out.

        A map by device keeps its numbers; a list (buffers of one device split over files) is summed.
        """
        found = self.row.get("measured")
        if not isinstance(found, Mapping):
            raise self._wrong("measured", found, "an object of metrics")
        values: dict[str, Value] = {}
        for name, value in found.items():
            if isinstance(value, Mapping):
                devices = {device: _sum(part) for device, part in value.items()}
                values[name] = {device: number for device, number in devices.items() if number is not None}
            elif (number := _sum(value)) is not None:
                values[name] = number
        return values

    def _first(self, names: tuple[str, ...]) -> Any:
        return next((self.row[name] for name in names if self.row.get(name) is not None), None)

    def _wrong(self, name: str, value: Any, expected: str) -> BadInput:
        shown = repr(value)
        return BadInput(f"is {shown if len(shown) <= 60 else shown[:57] + '...'}", field=name, expected=expected)


def _sum(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if value == value else None
    if isinstance(value, list) and value and all(isinstance(v, int | float) and not isinstance(v, bool) for v in value):
        return float(sum(value))
    return None
