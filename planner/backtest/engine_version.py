"""Which version of an engine a recorded run used, from what the row says about it.

In this order: the version stated, a version named in passing (`log format of 0.7.x`), the day the log was
written or posted (else the day of its thread, told by its number) unless the log's wording is older, that
wording, the engine generation. Without any of them it is the newest version that we know, and the replay says so.
"""

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml

_FOLDER = Path(__file__).with_name("releases")
_NUMBER = r"v?(\d+\.\d+(?:\.\d+|\.x)?(?:\.post\d+|rc\d+)?)(?!\d)"
_STATED = re.compile(rf"(?<![\d.]){_NUMBER}")
_UNRELEASED = "0.1.dev"
"""What a checkout without tags calls itself (setuptools-scm)."""
_ISO_DAY = re.compile(r"\b(20\d\d)-(\d\d)(?:-(\d\d))?\b")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = re.compile(rf"\b({'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTH_NAMES)}) (20\d\d)\b", re.I)


@dataclass(frozen=True)
class Releases:
    """When versions appeared: (version, day, first thread after it), oldest first; see the YAML files."""

    thread: str
    last_thread: int
    releases: tuple[tuple[str, date, int], ...]
    wordings: tuple[tuple[str, str], ...]
    generations: dict[str, str]

    def at(self, day: date) -> str | None:
        """Return the newest version of a day."""
        return next((version for version, since, _ in reversed(self.releases) if since <= day), None)

    def day_of_thread(self, source: str) -> date | None:
        """Return the day about which a thread of the engine's repository was opened; None past `last_thread`."""
        match = re.search(rf"{self.thread}/(?:issues|pull|discussions)/(\d+)", source)
        if match and int(match[1]) > self.last_thread:
            return None
        return (
            next((day for _, day, first in reversed(self.releases) if first <= int(match[1])), None) if match else None
        )

    def worded(self, text: str) -> str | None:
        """Return the last version that words its log so."""
        return next((last for words, last in self.wordings if re.search(words, text)), None)

    def complete(self, version: str) -> str:
        """`0.7.x` is the last known version of that minor, `0.22` its first release."""
        minor = version.removesuffix(".x")
        known = [one for one, _, _ in self.releases if one.startswith(minor + ".")]
        if version.endswith(".x"):
            return known[-1] if known else f"{minor}.0"
        return version if version.count(".") > 1 else f"{version}.0"


def engine_version(
    engine: str, stated: str | None, hints: str, source: str, generation: str | None = None
) -> tuple[str | None, str | None]:
    """Return the version (None: the newest) and the note that tells how it was inferred, None when it was stated.

    `hints` are the remarks and quoted log lines of the row, `generation` vLLM's engine (`v0`, `v1`).
    """
    known = releases(engine)
    if stated and not stated.startswith(_UNRELEASED) and (match := _STATED.search(_ISO_DAY.sub("", stated))):
        return known.complete(match[1]), None
    if match := re.search(rf"(?:format of|{engine}) {_NUMBER}|(?<![\d.]){_NUMBER} line numbers", hints, re.I):
        named = known.complete(match[1] or match[2])
        return named, f"{engine} version not stated: {named}, named in passing"
    day = _last_day(f"{stated or ''} ; {hints}") or _last_day(source) or _day_of_thread(source)
    by_day, wording = (known.at(day) if day else None), known.worded(hints)
    if by_day and wording and _order(wording) < _order(by_day):
        by_day = None
    for found, how in (
        (by_day, f"the newest on {day}"),
        (wording, "the last that words its log so"),
        (known.generations.get(generation or ""), f"the last with engine {generation} by default"),
    ):
        if found:
            return found, f"{engine} version not stated: {found}, {how}"
    return None, f"{engine} version not stated: the newest"


@cache
def releases(engine: str) -> Releases:
    """Read what is known of an engine's releases; engines without a file have none."""
    path = _FOLDER / f"{engine}.yaml"
    content: dict[str, Any] = read_yaml(path) if path.is_file() else {}
    return Releases(
        thread=content.get("thread", engine),
        last_thread=content.get("last_thread", 0),
        releases=tuple((str(version), day, first) for version, day, first in content.get("releases", ())),
        wordings=tuple((words, str(last)) for words, last in content.get("wordings", ())),
        generations={name: str(last) for name, last in content.get("generations", {}).items()},
    )


def _day_of_thread(source: str) -> date | None:
    """Threads of one engine date the logs of another that are quoted there."""
    days = (releases(path.stem).day_of_thread(source) for path in sorted(_FOLDER.glob("*.yaml")))
    return next((day for day in days if day), None)


def _last_day(text: str) -> date | None:
    days = [_day(int(y), int(m), int(d or 28)) for y, m, d in _ISO_DAY.findall(text)]
    days += [_day(int(y), _month(name), 28) for name, y in _MONTH.findall(text)]
    return max((day for day in days if day), default=None)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _month(name: str) -> int:
    return next(number for number, full in enumerate(_MONTH_NAMES, 1) if full.startswith(name.lower()[:3]))


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
