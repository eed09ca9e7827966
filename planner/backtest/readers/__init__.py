"""Readers of recorded rows, one a source format: each maps the names and units of its engine's log to ours."""

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from planner.backtest.run import Metric, Run
from planner.errors import BadInput, UnknownName
from planner.near_names import near_names

_FORMATS = {
    "vllm": "planner.backtest.readers.vllm",
    "sglang": "planner.backtest.readers.sglang",
    "trtllm": "planner.backtest.readers.trtllm",
    "llamacpp": "planner.backtest.readers.llamacpp",
}
_FRAMEWORKS = (
    ("vllm", "vllm"),
    ("sglang", "sglang"),
    ("tensorrt", "trtllm"),
    ("llama.cpp", "llamacpp"),
    ("ollama", "llamacpp"),
)


class Reader(Protocol):
    """What one source format answers. `DEVICE_FREE` metrics can be compared where the device is not known."""

    METRICS: Mapping[str, Metric]
    DEVICE_FREE: frozenset[str]

    def read(self, row: Mapping[str, Any]) -> Run:
        """Return the run; raises BadInput when the row cannot be used, with the reason."""


def engine_of(row: Mapping[str, Any]) -> str:
    """Return our name of the engine of a row; raises BadInput for frameworks without a profile.

    A product around an engine counts as that engine when its version names it (`LLMBoost, vllm-0.9.0`).
    """
    framework = row.get("framework")
    if framework is None and ("vllm_version" in row or row.get("engine") in ("v0", "v1", "vllm")):
        return "vllm"
    for word, engine in _FRAMEWORKS:
        if isinstance(framework, str) and word in framework.lower():
            return engine
    for word, engine in _FRAMEWORKS:
        if isinstance(framework, str) and re.search(rf"\b{word}\b", str(row.get("version")).lower()):
            return engine
    if framework is None:
        raise BadInput("is missing", field="framework", expected="vLLM, SGLang, TensorRT-LLM or llama.cpp")
    raise BadInput(f"is {framework!r}, an engine without a profile", field="framework")


def engine_named(words: str) -> str:
    """Return our name for what a user calls an engine (`vLLM`, `TensorRT-LLM`, `llama.cpp`); raises UnknownName."""
    if words.lower() in _FORMATS:
        return words.lower()
    found = next((engine for word, engine in _FRAMEWORKS if word in words.lower()), None)
    if found is None:
        raise UnknownName("engine", words, near_names(words, _FORMATS) or list(_FORMATS))
    return found


def reader_of(engine: str) -> Reader:
    """Return the reader of an engine's rows; raises BadInput when there is none."""
    if engine not in _FORMATS:
        raise BadInput(f"rows of {engine} cannot be replayed yet", field="framework")
    reader: Reader = import_module(_FORMATS[engine])
    return reader
