"""The reader of each engine's own words."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

from planner.launch.invocation import Invocation
from planner.launch.launch import Launch
from planner.launch.stages import STAGES, stage_places

DIALECTS = {
    "vllm": "planner.launch.vllm",
    "sglang": "planner.launch.sglang",
    "trtllm": "planner.launch.trtllm",
    "llamacpp": "planner.launch.llamacpp",
    "tgi": "planner.launch.tgi",
}


def read_invocation(invocation: Invocation) -> Launch:
    """Return the launch of an engine's arguments and environment; raises BadInput."""
    read_words: Callable[[Invocation], Launch] = import_module(DIALECTS[invocation.engine]).launch
    launch = read_words(invocation)
    return replace(launch, places=launch.places or stage_places(invocation.environment.get(STAGES, "")))
