"""Which vLLM version a recorded run used, from what the row says about it.

In this order: the version stated, a version named in passing (`log format of 0.7.x`), the day the log was
written or posted unless the log's wording is older, that wording, the number of the vLLM thread, the engine
generation. Without any of them it is the newest version that we know, and the replay says so.
"""

import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from planner.data_files import read_yaml

_NUMBER = r"v?(0\.(?:[2-9]|[1-9]\d)(?:\.\d+|\.x)?(?:\.post\d+|rc\d+)?)(?!\d)"
_VERSION = re.compile(rf"(?<![\d.]){_NUMBER}")
_IN_PASSING = re.compile(rf"(?:format of|vllm(?: version)?) {_NUMBER}|(?<![\d.]){_NUMBER} line numbers", re.I)
_THREAD = re.compile(r"vllm-project/vllm/(?:issues|pull)/(\d+)")
_ISO_DAY = re.compile(r"\b(20\d\d)-(\d\d)(?:-(\d\d))?\b")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH = re.compile(rf"\b({'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTH_NAMES)}) (20\d\d)\b", re.I)


def vllm_version(stated: str | None, generation: str | None, hints: str, source: str) -> tuple[str | None, str | None]:
    """Return the version (None: the newest) and the note that tells how it was inferred, None when it was stated."""
    if stated and (match := _VERSION.search(stated)):
        return _complete(match[1]), None
    if match := _IN_PASSING.search(hints):
        named = _complete(match[1] or match[2])
        return named, f"vLLM version not stated: {named}, named in passing"
    text = f"{stated or ''} ; {hints}"
    day, wording = _by_day(_last_day(text) or _last_day(source)), _by_wording(hints)
    if day and wording and _order(wording) < _order(day):
        day = None
    for found, how in (
        (day, "the newest at the day of the log"),
        (wording, "the last that words its log so"),
        (_by_thread(source), "the newest when the thread was opened"),
        (_releases()["generations"].get(generation or ""), f"the last with engine {generation} by default"),
    ):
        if found:
            return str(found), f"vLLM version not stated: {found}, {how}"
    return None, "vLLM version not stated: the newest"


@cache
def _releases() -> dict[str, Any]:
    content: dict[str, Any] = read_yaml(Path(__file__).with_name("vllm_releases.yaml"))
    return content


def _complete(version: str) -> str:
    """`0.7.x` and `0.22` are the last known version of that minor, or its first release."""
    minor = version.removesuffix(".x")
    if version.endswith(".x"):
        known = [str(entry[0]) for entry in _releases()["releases"] if str(entry[0]).startswith(minor + ".")]
        return known[-1] if known else f"{minor}.0"
    return version if version.count(".") > 1 else f"{version}.0"


def _last_day(text: str) -> date | None:
    days = [date(int(y), int(m), int(d or 28)) for y, m, d in _ISO_DAY.findall(text) if 1 <= int(m) <= 12]
    days += [date(int(y), _month(name), 28) for name, y in _MONTH.findall(text)]
    return max(days, default=None)


def _month(name: str) -> int:
    return next(number for number, full in enumerate(_MONTH_NAMES, 1) if full.startswith(name.lower()[:3]))


def _by_day(day: date | None) -> str | None:
    if day is None:
        return None
    return next((str(entry[0]) for entry in reversed(_releases()["releases"]) if entry[1] <= day), None)


def _by_thread(source: str) -> str | None:
    if not (match := _THREAD.search(source)):
        return None
    return next((str(entry[0]) for entry in reversed(_releases()["releases"]) if entry[2] <= int(match[1])), None)


def _by_wording(text: str) -> str | None:
    return next((str(last) for words, last in _releases()["wordings"] if re.search(words, text)), None)


def _order(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])
