"""Lines of a log: which rank wrote them, and the numbers in them."""

import ast
import re
from collections.abc import Iterable, Mapping
from typing import Any

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_RANK = re.compile(
    r"\((?:VllmWorkerProcess|VllmWorker|Worker)[^)\n]*\)"  # vLLM
    r"|\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?: (?:DP|PP|TP|EP|CP)\d+)+\]"  # SGLang
    r"|\[RANK \d+\]|\[T(?:RT|ensorRT)-LLM\]\[\w+\] Rank \d+"  # TensorRT-LLM
)
_COORDINATE = re.compile(r"(?:rank[= ]|DP|PP|TP|EP|CP)(\d+)", re.IGNORECASE)
_NEVER_FIRST = "(VllmWorkerProcess"
"""The driver of vLLM's v0 engine is rank 0 and writes without a prefix."""
_PAIR = re.compile(r"""(\w+)=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[^,()\s]+)""")
_PYTHON = {"True": True, "False": False, "None": None}


def plain(text: str) -> str:
    """Return a log without terminal colours and carriage returns."""
    return _COLOURS.sub("", text).replace("\r", "\n")


def of_first_rank(text: str) -> str:
    """Return the lines that rank 0 wrote, and those that name no rank."""
    return "\n".join(line for line in text.splitlines() if not _other_rank(line))


def _other_rank(line: str) -> bool:
    match = _RANK.search(line)
    if match is None:
        return False
    return match[0].startswith(_NEVER_FIRST) or any(int(number) for number in _COORDINATE.findall(match[0]))


def number(text: str, *patterns: str) -> float | None:
    """Return the number that the first matching pattern captures, thousands separators aside."""
    for pattern in patterns:
        if match := re.search(pattern, text):
            found = next((group for group in match.groups() if group), None)
            if found is not None:
                return float(found.replace(",", ""))
    return None


def word(text: str, *patterns: str) -> str | None:
    """Return what the first matching pattern captures."""
    for pattern in patterns:
        if match := re.search(pattern, text):
            return next((group for group in match.groups() if group), None)
    return None


def pairs(text: str) -> dict[str, Any]:
    """Read `name=value, ...` as Python prints the fields of an object; what is nested stays text."""
    return {name: value_of(shown) for name, shown in _PAIR.findall(text)}


def dictionary(shown: str) -> dict[str, Any]:
    """Read a dictionary as Python prints it; of one that was garbled the plain pairs."""
    try:
        read = ast.literal_eval(shown)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return pairs(re.sub(r"'(\w+)': ", r"\1=", shown))
    return {str(name): value for name, value in read.items()} if isinstance(read, dict) else {}


def value_of(shown: str) -> Any:
    """Read one value as Python prints it."""
    if shown in _PYTHON:
        return _PYTHON[shown]
    for kind in (int, float):
        try:
            return kind(shown)
        except ValueError:
            continue
    return shown.strip("'\"")


def known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that hold something."""
    return {name: value for name, value in values.items() if value is not None}


def any_of(text: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns is found."""
    return any(re.search(pattern, text) for pattern in patterns)


def gpu_named(text: str) -> str | None:
    """Return the GPU that `collect_env`, `nvidia-smi -L` or a table of nvidia-smi in the log names."""
    return word(
        text,
        r"GPU 0: ([^\n(]+?)\s*(?:\(UUID|\n|$)",
        r"\|\s+0\s+((?:NVIDIA|Tesla|Quadro)[\w .-]+?)\s{2,}",
        r"device_name='((?:NVIDIA|AMD) [^']+)'",
    )
