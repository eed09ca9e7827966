"""From a start-up log to a row of recorded runs, whichever engine wrote it."""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from planner.errors import BadInput
from planner.logs.lines import plain

_LARGEST = 64 * 2**20
_READERS = ("llamacpp", "sglang", "trtllm", "vllm")


class LogReader(Protocol):
    """What the module of one engine answers. `SIGNS` are patterns that only its logs hold."""

    SIGNS: tuple[str, ...]

    def row(self, text: str) -> dict[str, Any]:
        """Return what the log tells, as a row of the engine's source format."""


def log_row(path: Path) -> dict[str, Any]:
    """Read a log file (`-` is standard input) to a row; raises BadInput when it is no start-up log that we know."""
    if str(path) == "-":
        return {"id": "stdin", **row_of(sys.stdin.read(_LARGEST), where="standard input")}
    try:
        if path.stat().st_size > _LARGEST:
            raise BadInput("is larger than 64 MiB", where=path, expected="the start-up part of the log")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise BadInput(error.strerror or "cannot be read", where=path) from None
    return {"id": path.stem, **row_of(text, where=path)}


def row_of(text: str, where: Path | str | None = None) -> dict[str, Any]:
    """Read the text of a log to a row; raises BadInput."""
    text = plain(text)
    readers: list[LogReader] = [import_module(f"planner.logs.{name}") for name in _READERS]
    signs = [sum(bool(re.search(sign, text)) for sign in reader.SIGNS) for reader in readers]
    if not any(signs):
        raise BadInput(
            "is no start-up log of vLLM, SGLang, TensorRT-LLM or llama.cpp", where=where, expected="their memory lines"
        )
    return readers[signs.index(max(signs))].row(text)
