"""Engines: the rules by which a framework shards, allocates and refuses, one profile a file."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import cast

from planner.engines.local_profile import corrected
from planner.engines.profile import Engine
from planner.errors import UnknownName
from planner.fleet.site import Site
from planner.layout import Layout, Limits
from planner.memory.bill import Bill
from planner.models.model import Model
from planner.near_names import near_names

ENGINES = {
    "vllm": "planner.engines.vllm",
    "sglang": "planner.engines.sglang",
    "trtllm": "planner.engines.trtllm",
    "llamacpp": "planner.engines.llamacpp",
}
ALIASES = {
    "tensorrt-llm": "trtllm",
    "tensorrt_llm": "trtllm",
    "tensorrtllm": "trtllm",
    "trt-llm": "trtllm",
    "llama.cpp": "llamacpp",
    "llama-cpp": "llamacpp",
}
"""Names that people write, and ours."""


def find_engine(name: str, version: str | None = None) -> Engine:
    """Return the profile of an engine, as of `version` (None: the newest we know); raises UnknownName.

    A profile whose rules changed over versions defines `of_version(version)`; others answer for all. The
    local profile in use corrects it.
    """
    return corrected(_profile(ALIASES.get(name.lower(), name.lower()), version))


@cache
def _profile(name: str, version: str | None) -> Engine:
    if name not in ENGINES:
        raise UnknownName("engine", name, near_names(name, ENGINES) or list(ENGINES))
    module = import_module(ENGINES[name])
    engine: Engine = module.ENGINE
    if version is not None and hasattr(module, "of_version"):
        engine = module.of_version(version)
    return engine


def on_sites(engine: Engine, model: Model, layout: Layout, sites: Sequence[Site], given: Limits) -> Layout:
    """Return the layout as the engine settles it on these devices, where the `given` options leave it to the engine.

    llama.cpp shares layers by the free memory of the devices unless it is told a split.
    """
    settle = getattr(engine, "on_sites", None)
    if settle is None or "tensor_split" in given.options:
        return layout
    return cast(Layout, settle(model, layout, sites))


def fewer_slots(engine: Engine, model: Model, layout: Layout, sites: Sequence[Site]) -> tuple[Layout, Bill] | None:
    """Return the layout with as many sequences as fit, and its bill; None when not one does.

    Only for an engine that sets aside the cache of every sequence that it may run (`most_sequences`): the others
    share one pool, which fewer sequences do not make smaller.
    """
    if not hasattr(engine, "most_sequences") or layout.max_num_seqs < 2:
        return None
    most, found = layout.max_num_seqs, None
    low, high = 1, most - 1
    while low <= high:
        middle = (low + high) // 2
        fewer = layout.model_copy(update={"max_num_seqs": middle})
        bill = engine.bill(model, fewer, sites)
        if bill.fits:
            found, low = (fewer, bill), middle + 1
        else:
            high = middle - 1
    return found
