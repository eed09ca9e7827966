"""Keep two known, harmless lines of a C++ library off the terminal."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_KNOWN = (b"SCIPcatchEvent does not support variable or row change events", b"gscip_event_handler.cc")
"""Printed by OR-tools 9.15 whenever SCIP is given an interrupter; the interrupter works all the same."""


@contextmanager
def quiet_stderr() -> Iterator[int]:
    """Hold back what the process writes on stderr, then pass on all but the known lines.

    Yields a descriptor that still reaches the real stderr.
    """
    real = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield real
        finally:
            os.dup2(real, 2)
            held.seek(0)
            for line in held:
                if not any(known in line for known in _KNOWN):
                    os.write(2, line)
            os.close(real)
