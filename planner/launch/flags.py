"""Words after the program's name to flags: every spelling of one flag becomes its long name."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from planner.errors import BadInput
from planner.launch.flag_table import FlagTable, Kind

FlagValue = bool | str | list[str]

_TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}


@dataclass
class Flags:
    """What a command line says: `values` by long name, bare words, and the words of flags nobody knows."""

    values: dict[str, FlagValue] = field(default_factory=dict)
    bare: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)

    def text(self, name: str) -> str | None:
        """Value of a flag as one word, None when it is absent or empty."""
        value = self.values.get(name)
        if isinstance(value, list):
            value = value[0] if value else None
        if isinstance(value, bool):
            return "true" if value else "false"
        return value or None

    def switched(self, name: str) -> bool:
        """Whether a switch is on; raises BadInput when its value is neither true nor false."""
        value = self.values.get(name, False)
        if isinstance(value, bool):
            return value
        truth = _TRUTH.get(str(value).lower())
        if truth is None:
            raise BadInput(f"is {value!r}", where="command", field=f"--{name}", expected="true or false")
        return truth

    def whole(self, *names: str) -> int | None:
        """Return the first of `names` that is there as a whole number; raises BadInput."""
        for name in names:
            if (text := self.text(name)) is not None:
                return _whole(text, name)
        return None

    def settled(self, *names: str) -> int | None:
        """Return the first of `names` as `whole` does; None where it is a variable that the text leaves open.

        For what changes no bytes: the number of a rank, a port.
        """
        named = next((name for name in names if self.text(name) is not None), None)
        return None if named is None or "$" in (self.text(named) or "") else self.whole(named)

    def share(self, name: str) -> float | None:
        """Value of a flag as a number; raises BadInput."""
        text = self.text(name)
        if text is None:
            return None
        try:
            return float(text)
        except ValueError:
            raise BadInput(f"is {text!r}", where="command", field=f"--{name}", expected="a number") from None


def read_flags(words: Sequence[str], table: FlagTable) -> Flags:
    """Sort the words of a command line by the table; flags it does not hold go to `unknown`."""
    flags = Flags()
    rest = _Words(words)
    for word in rest:
        if not _is_flag(word):
            flags.bare.append(word)
            continue
        spelling, equals, attached = word.lstrip("-").partition("=")
        outer, dot, inner = spelling.partition(".")
        found = table.find(outer if dot else spelling)
        if found is None:
            flags.unknown.append(word if equals else " ".join([word, *rest.values(most=1)]))
            continue
        name, kind, negative = found
        if name in table.retired and name not in table.kinds:
            flags.retired.append(name)
        if dot:
            value = attached if equals else next(iter(rest.values(most=1)), "")
            flags.values[name] = _nested(flags.values.get(name), inner, value)
        elif kind is Kind.REPEATED:
            before = flags.values.get(name)
            value = attached if equals else next(iter(rest.values(most=1)), "")
            flags.values[name] = [*(before if isinstance(before, list) else ()), value]
        else:
            flags.values[name] = _value(kind, negative, attached if equals else None, rest)
    return flags


def read_mapping(mapping: Mapping[str, Any], table: FlagTable) -> Flags:
    """Sort the entries of a config file (`tensor-parallel-size: 8`) as `read_flags` sorts words."""
    flags = Flags()
    for key, value in mapping.items():
        found = table.find(str(key))
        if found is None:
            flags.unknown.append(f"{key}: {value}")
            continue
        name, _, negative = found
        if name in table.retired and name not in table.kinds:
            flags.retired.append(name)
        if isinstance(value, bool):
            flags.values[name] = value is not negative
        elif isinstance(value, dict):
            flags.values[name] = json.dumps(value)
        elif isinstance(value, list):
            flags.values[name] = [str(item) for item in value]
        elif value is not None:
            flags.values[name] = str(value)
    return flags


class _Words(Iterator[str]):
    """Words of a command line, with a look at the values that follow."""

    def __init__(self, words: Sequence[str]) -> None:
        self.words, self.at = words, 0

    def __next__(self) -> str:
        if self.at >= len(self.words):
            raise StopIteration
        self.at += 1
        return self.words[self.at - 1]

    def values(self, most: int | None = None) -> list[str]:
        """Take the words up to the next flag, at most `most`."""
        end = self.at
        while end < len(self.words) and not _is_flag(self.words[end]) and (most is None or end - self.at < most):
            end += 1
        taken, self.at = list(self.words[self.at : end]), end
        return taken

    def peek(self) -> str | None:
        """Return the next word without taking it."""
        return self.words[self.at] if self.at < len(self.words) else None


def _is_flag(word: str) -> bool:
    """Whether a word is a flag and not a negative number or a lone dash."""
    return len(word) > 1 and word[0] == "-" and not word[1].isdigit() and word[1:2] != "."


def _value(kind: Kind, negative: bool, attached: str | None, rest: _Words) -> FlagValue:
    if kind in (Kind.SWITCH, Kind.NEGATABLE):
        if attached is None and (following := rest.peek()) and following.lower() in ("true", "false"):
            attached = next(rest)
        told = True if attached is None else _TRUTH.get(attached.lower(), True)
        return told is not negative
    if kind is Kind.LIST:
        return [attached] if attached is not None else rest.values()
    if attached is not None:
        return attached
    return next(iter(rest.values(most=1)), "")


def _nested(previous: FlagValue | None, path: str, text: str) -> str:
    """`--compilation-config.mode 3` adds one entry to the JSON of `--compilation-config`."""
    try:
        whole = json.loads(previous) if isinstance(previous, str) and previous else {}
    except json.JSONDecodeError:
        whole = {}
    try:
        value: Any = json.loads(text)
    except json.JSONDecodeError:
        value = text
    inner = whole
    *outer, last = path.rstrip("+").split(".")
    for key in outer:
        inner = inner.setdefault(key, {})
    inner[last] = text.split(",") if path.endswith("+") else value
    return json.dumps(whole)


_MULTIPLES = {
    "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
    "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40,
}  # fmt: skip


def _whole(text: str, name: str) -> int:
    """Read `32768`, `32k` (thousands) or `32K` (1,024s), as vLLM's `human_readable_int` does."""
    digits, unit = (text[:-1], _MULTIPLES[text[-1]]) if text[-1:] in _MULTIPLES else (text, 1)
    try:
        number = float(digits) * unit if unit > 1 else int(digits)
    except ValueError:
        unset = " (the text does not set it)" if "$" in text else ""
        raise BadInput(f"is {text!r}{unset}", where="command", field=f"--{name}", expected="a whole number") from None
    if number != int(number):
        raise BadInput(f"is {text!r}", where="command", field=f"--{name}", expected="a whole number")
    return int(number)
