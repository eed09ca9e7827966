"""Engines: the rules by which a framework shards, allocates and refuses, one profile a file."""

from functools import cache
from importlib import import_module

from planner.engines.profile import Engine
from planner.errors import UnknownName
from planner.near_names import near_names

ENGINES = {"vllm": "planner.engines.vllm"}


@cache
def find_engine(name: str) -> Engine:
    """Return the profile of an engine; raises UnknownName."""
    if name.lower() not in ENGINES:
        raise UnknownName("engine", name, near_names(name, ENGINES) or list(ENGINES))
    engine: Engine = import_module(ENGINES[name.lower()]).ENGINE
    return engine
