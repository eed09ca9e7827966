"""Engines: the rules by which a framework shards, allocates and refuses, one profile a file."""

from functools import cache
from importlib import import_module

from planner.engines.profile import Engine
from planner.errors import UnknownName
from planner.near_names import near_names

ENGINES = {"vllm": "planner.engines.vllm", "sglang": "planner.engines.sglang"}


@cache
def find_engine(name: str, version: str | None = None) -> Engine:
    """Return the profile of an engine, as of `version` (None: the newest we know); raises UnknownName.

    A profile whose rules changed over versions defines `of_version(version)`; others answer for all.
    """
    if name.lower() not in ENGINES:
        raise UnknownName("engine", name, near_names(name, ENGINES) or list(ENGINES))
    module = import_module(ENGINES[name.lower()])
    engine: Engine = module.ENGINE
    if version is not None and hasattr(module, "of_version"):
        engine = module.of_version(version)
    return engine
