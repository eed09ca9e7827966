"""A config.json as blueprints read it: typed fields, precise errors, and memory of what was read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from planner.errors import BadInput
from planner.models.class_defaults import class_defaults

_REQUIRED: Final = object()
_LARGEST = 10**12
_DEEPEST = 20
"""Sections within sections; published files have two."""


class Config:
    """One section of a config.json; `read` collects the names of the fields that were asked for.

    Every getter takes the field's name followed by the names that other families use for it, and
    raises BadInput with the file, the field, the value and what would be right. A field that is not
    there has the value that the configuration class of transformers gives it, and is noted as an
    assumption when it is a number; a field that is null, or that the class leaves open, has `default`.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        where: str | Path = "config.json",
        path: str = "",
        *,
        model_type: str = "",
        parent: "Config | None" = None,
    ) -> None:
        if not isinstance(data, Mapping):
            raise BadInput(f"is {_shown(data)}", where=where, field=path or None, expected="an object of fields")
        self.data, self.where, self.path, self.parent = data, where, path, parent
        stated = data.get("model_type")
        self.model_type = stated if isinstance(stated, str) and stated else model_type
        self.read: set[str] = set()
        self._assumptions: list[str] = []
        self._defaulted: dict[str, Any] = {}
        self._sections: dict[str, Config] = {}

    @property
    def architecture(self) -> str:
        """The first class that the file names, or `unknown`."""
        named = self.get("architectures")
        return str(named[0]) if isinstance(named, list) and named else "unknown"

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def get(self, *names: str, default: Any = None) -> Any:
        """Raw value of the first of `names` that is there and not null, else the class's, else `default`."""
        names = self._with_other_names(names)
        self.read.update(names)
        given = [self.data[name] for name in names if name in self.data]
        if given:
            return next((value for value in given if value is not None), default)
        fields = class_defaults(self.model_type).fields
        for name in names:
            if name in fields:
                self._defaulted[name] = fields[name]
                return fields[name]
        return default

    def integer(self, *names: str, default: Any = _REQUIRED, least: int = 1, most: int = _LARGEST) -> int:
        """Return a whole number from `least` to `most`."""
        value = self._value(names, default, "a whole number")
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            bound = f" to {most:,}" if most < _LARGEST else " up"
            raise self.wrong(self._present(names), value, f"a whole number from {least}{bound}")
        return value

    def number(self, *names: str, default: Any = _REQUIRED) -> float:
        """Return a positive number."""
        value = self._value(names, default, "a number")
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST:
            raise self.wrong(self._present(names), value, "a positive number")
        return value

    def flag(self, *names: str, default: Any = False) -> bool:
        """Return true or false."""
        value = self._value(names, default, "true or false")
        if not isinstance(value, bool):
            raise self.wrong(self._present(names), value, "true or false")
        return value

    def text(self, *names: str, default: Any = _REQUIRED) -> str:
        """Return a string."""
        value = self._value(names, default, "a string")
        if not isinstance(value, str):
            raise self.wrong(self._present(names), value, "a string")
        return value

    def items(self, *names: str, default: Any = _REQUIRED, length: int | None = None) -> list[Any]:
        """Return a list, of `length` entries when given (one a layer)."""
        value = self._value(names, default, "a list")
        if not isinstance(value, list):
            raise self.wrong(self._present(names), value, "a list")
        if length is not None and len(value) != length:
            found = f"a list of {len(value)}"
            raise self.wrong(self._present(names), found, f"one entry for each of the {length} layers")
        return value

    def integers(self, *names: str, default: Any = _REQUIRED, length: int | None = None) -> list[int]:
        """Return a list of whole numbers, of `length` entries when given (one a layer)."""
        values = self.items(*names, default=default, length=length)
        if not all(isinstance(value, int) and abs(value) <= _LARGEST for value in values):
            raise self.wrong(self._present(names), values, "a list of whole numbers")
        return values

    def pair(self, name: str, default: tuple[int, int]) -> tuple[int, int]:
        """Return a list of two positive whole numbers."""
        values = self.integers(name, default=list(default))
        if len(values) != 2 or min(values) < 1:
            raise self.wrong(name, values, "two whole numbers from 1 up")
        return values[0], values[1]

    def texts(self, *names: str, default: Any = _REQUIRED, length: int | None = None) -> list[str]:
        """Return a list of strings, of `length` entries when given (one a layer)."""
        values = self.items(*names, default=default, length=length)
        if not all(isinstance(value, str) for value in values):
            raise self.wrong(self._present(names), values, "a list of strings")
        return values

    def section(self, name: str) -> "Config":
        """Return the nested object `name`, required."""
        if name not in self:
            raise self.missing(name, "an object")
        return self.part(name)

    def has_part(self, name: str) -> bool:
        """Whether the nested object `name` is there, or is assumed by the class when it is not."""
        section = class_defaults(self.model_type).sections.get(name)
        return name in self or (section is not None and not section.optional)

    def part(self, name: str, model_type: str = "") -> "Config":
        """Return the nested object `name`; when it is not there, what the class takes it to be, or an empty one.

        Fields that it lacks have the class defaults of its `model_type`: its own, else that of the class,
        else the one given here.
        """
        if name not in self._sections:
            expected = class_defaults(self.model_type).sections.get(name)
            data = self.get(name, default=expected.fields if expected else {})
            kind = expected.model_type if expected else model_type
            if self.path.count(".") >= _DEEPEST:
                raise BadInput("is nested too deeply", where=self.where, field=self.field(name)[:80])
            part = Config(data, self.where, self.field(name), model_type=kind, parent=self)
            if expected and not expected.may_differ:
                part.model_type = kind
            self._sections[name] = part
        return self._sections[name]

    def seen_as(self, model_type: str) -> "Config":
        """Return the same section read as another `model_type`, with the defaults of that one."""
        if model_type not in self._sections:
            seen = Config(self.data, self.where, self.path, parent=self.parent)
            seen.model_type = model_type
            self._sections[model_type] = seen
        return self._sections[model_type]

    def assume(self, *assumptions: str) -> None:
        """Note something that was read other than plainly from the file."""
        self._assumptions += assumptions

    @property
    def assumptions(self) -> tuple[str, ...]:
        """Everything noted so far, here and in the sections that were read."""
        return tuple(dict.fromkeys(self._notes()))

    def _notes(self) -> list[str]:
        numbers = {
            name: value
            for name, value in sorted(self._defaulted.items())
            if isinstance(value, int | float) and (value is True or not isinstance(value, bool))
        }
        notes = list(self._assumptions)
        if numbers:
            values = ", ".join(f"{name} = {str(value).lower()}" for name, value in numbers.items())
            place = f"{self.path}: " if self.path else ""
            notes.append(f"{place}not given, read as {class_defaults(self.model_type).name} does: {values}")
        return notes + [note for section in self._sections.values() for note in section._notes()]

    def field(self, name: str) -> str:
        """Dotted path of a field."""
        return f"{self.path}.{name}" if self.path else name

    def wrong(self, name: str, value: Any, expected: str) -> BadInput:
        """Return the error for a field whose value cannot be used."""
        return BadInput(f"is {_shown(value)}", where=self.where, field=self.field(name), expected=expected)

    def missing(self, name: str, expected: str) -> BadInput:
        """Return the error for a field that is needed and not there."""
        return BadInput("is missing", where=self.where, field=self.field(name), expected=expected)

    def _with_other_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        others = class_defaults(self.model_type).other_names
        return (*names, *(others[name] for name in names if name in others)) if others else names

    def _present(self, names: tuple[str, ...]) -> str:
        known = self._with_other_names(names)
        return next((name for name in known if self.data.get(name) is not None), names[0])

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
