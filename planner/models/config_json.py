"""A config.json as blueprints read it: typed fields, precise errors, and memory of what was read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from planner.errors import BadInput

_REQUIRED: Final = object()
_LARGEST = 10**12


class Config:
    """One section of a config.json; `read` collects the names of the fields that were asked for.

    Every getter takes the field's name followed by the names that other families use for it, and
    raises BadInput with the file, the field, the value and what would be right.
    """

    def __init__(self, data: Mapping[str, Any], where: str | Path = "config.json", path: str = "") -> None:
        if not isinstance(data, Mapping):
            raise BadInput(f"is {_shown(data)}", where=where, field=path or None, expected="an object of fields")
        self.data, self.where, self.path = data, where, path
        self.read: set[str] = set()
        self.assumptions: list[str] = []

    def __contains__(self, name: str) -> bool:
        return self.data.get(name) is not None

    def get(self, *names: str, default: Any = None) -> Any:
        """Raw value of the first of `names` that is there and not null."""
        self.read.update(names)
        return next((self.data[name] for name in names if self.data.get(name) is not None), default)

    def integer(self, *names: str, default: Any = _REQUIRED, least: int = 1) -> int:
        """Return a whole number of at least `least`."""
        value = self._value(names, default, "a whole number")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
            raise self.wrong(names[0], value, f"a whole number from {least} up")
        return value

    def flag(self, *names: str, default: Any = False) -> bool:
        """Return true or false."""
        value = self._value(names, default, "true or false")
        if not isinstance(value, bool):
            raise self.wrong(names[0], value, "true or false")
        return value

    def text(self, *names: str, default: Any = _REQUIRED) -> str:
        """Return a string."""
        value = self._value(names, default, "a string")
        if not isinstance(value, str):
            raise self.wrong(names[0], value, "a string")
        return value

    def items(self, *names: str, default: Any = _REQUIRED) -> list[Any]:
        """Return a list."""
        value = self._value(names, default, "a list")
        if not isinstance(value, list):
            raise self.wrong(names[0], value, "a list")
        return value

    def section(self, name: str) -> "Config":
        """Return the nested object `name` (`text_config`), required."""
        if name not in self:
            raise self.missing(name, "an object")
        self.read.add(name)
        return Config(self.data[name], self.where, self.field(name))

    def assume(self, *assumptions: str) -> None:
        """Note something that was read other than plainly from the file."""
        self.assumptions += assumptions

    def field(self, name: str) -> str:
        """Dotted path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, value: Any, expected: str) -> BadInput:
        """Return the error for a field whose value cannot be used."""
        return BadInput(f"is {_shown(value)}", where=self.where, field=self.field(name), expected=expected)

    def missing(self, name: str, expected: str) -> BadInput:
        """Return the error for a field that is needed and not there."""
        return BadInput("is missing", where=self.where, field=self.field(name), expected=expected)

    def _value(self, names: tuple[str, ...], default: Any, expected: str) -> Any:
        value = self.get(*names)
        if value is None:
            if default is _REQUIRED:
                raise self.missing(names[0], expected)
            return default
        return value


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
