"""Work that is shared out between two processes, for what Python itself has to compute."""

import io
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import Any, TypeVar

from planner.solve.uncollected import uncollected

Found = TypeVar("Found")


def side_by_side(work: Callable[[int], Found], items: int, common: Iterable[object] = ()) -> list[Found]:
    """Return `[work(0), ..., work(items - 1)]`, computed here and in a copy of this process that ends with its work.

    Where there is one processor, no way to copy a process, or where other threads run, all is computed here. Results
    come back pickled; of the `common` objects, which both processes have, only the names. What a copy took that does
    not come back is done here. Raises what `work` raises.
    """
    if items < 2 or not _can_copy():
        return [work(item) for item in range(items)]
    with uncollected():
        return _side_by_side(work, items, {id(shared): shared for shared in common})


def _side_by_side(work: Callable[[int], Found], items: int, known: Mapping[int, object]) -> list[Found]:
    context = multiprocessing.get_context("fork")
    taken: Synchronized[int] = context.Value("l", 0)
    ours, theirs = context.Pipe(duplex=False)
    other = context.Process(target=_send, args=(theirs, work, items, taken, known), daemon=True)
    other.start()
    theirs.close()
    try:
        found = _take(work, items, taken)
        answer = _received(ours, known)
    finally:
        other.terminate()
        other.join()
        ours.close()
    if isinstance(answer, BaseException):
        raise answer
    found |= answer
    return [found[item] if item in found else work(item) for item in range(items)]


def _can_copy() -> bool:
    """Linux copies processes safely while no other thread runs."""
    return sys.platform == "linux" and threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


def _take(work: Callable[[int], Found], items: int, taken: "Synchronized[int]") -> dict[int, Found]:
    """Do what nobody has taken yet, one item after the other."""
    found: dict[int, Found] = {}
    while True:
        with taken.get_lock():
            item = taken.value
            taken.value += 1
        if item >= items:
            return found
        found[item] = work(item)


def _send(
    pipe: Connection, work: Callable[[int], Any], items: int, taken: "Synchronized[int]", known: Mapping[int, object]
) -> None:
    """What the copy does: its part of the work, or the error that it met."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        answer: object = _take(work, items, taken)
    except Exception as error:
        answer = error
    written = io.BytesIO()
    _Pickler(written, known).dump(answer)
    pipe.send_bytes(written.getbuffer())


def _received(pipe: Connection, known: Mapping[int, object]) -> Any:
    try:
        return _Unpickler(io.BytesIO(pipe.recv_bytes()), known).load()
    except EOFError:
        return {}


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: Mapping[int, object]) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self._known = known

    def persistent_id(self, obj: object) -> int | None:
        """A copied process has its objects at the same places."""
        return id(obj) if id(obj) in self._known else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: Mapping[int, object]) -> None:
        super().__init__(file)
        self._known = known

    def persistent_load(self, name: int) -> object:
        """The object of that name."""
        return self._known[name]
