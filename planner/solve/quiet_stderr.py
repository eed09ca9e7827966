"""Keep two known, harmless lines of a C++ library off the terminal."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import IO

_KNOWN = (b"SCIPcatchEvent does not support variable or row change events", b"gscip_event_handler.cc")
"""Printed by OR-tools 9.15 whenever SCIP is given an interrupter; the interrupter works all the same."""


_lock = Lock()
_holders = 0
_held: IO[bytes]
_real: int


@contextmanager
def quiet_stderr() -> Iterator[int]:
    """Hold back what the process writes on stderr, then pass on all but the known lines.

    Yields a descriptor that still reaches the real stderr. Of several threads the last one passes the lines on.
    """
    global _holders, _held, _real
    with _lock:
        if not _holders:
            _held, _real = tempfile.TemporaryFile(), os.dup(2)  # noqa: SIM115 (the last holder closes it)
            os.dup2(_held.fileno(), 2)
        _holders += 1
    try:
        yield _real
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                _pass_on()


def _pass_on() -> None:
    os.dup2(_real, 2)
    with _held:
        _held.seek(0)
        for line in _held:
            if not any(known in line for known in _KNOWN):
                os.write(2, line)
    os.close(_real)
