"""Vision and audio towers of multimodal models, one kind a file: they stand beside the decoder.

A new tower is one file in this folder with a function decorated by `@tower("its_model_type")`; it writes
the tensors of one section of a config.json below a prefix.
"""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.near_names import near_names

Writer = Callable[[Config, TensorList], None]
_REGISTERED: dict[str, Writer] = {}
_DECORATION = re.compile(r"^@tower\(([^)]*)\)", re.MULTILINE)


def tower(*model_types: str) -> Callable[[Writer], Writer]:
    """Register a function as the writer of these kinds of tower."""

    def register(function: Writer) -> Writer:
        for model_type in model_types:
            _REGISTERED[model_type] = function
        return function

    return register


@cache
def tower_types() -> dict[str, str]:
    """Return the module that writes each kind of tower."""
    found = {}
    for file in sorted(Path(__file__).parent.glob("*.py")):
        if file.name != "__init__.py":
            for decoration in _DECORATION.findall(file.read_text(encoding="utf-8")):
                found.update(dict.fromkeys(re.findall(r'"([^"]+)"', decoration), file.stem))
    return found


def write_tower(section: Config, tensors: TensorList) -> None:
    """Add the tensors of the tower that a section describes; raises BadInput when its kind is unknown."""
    kind = section.model_type
    if kind not in _REGISTERED:
        if kind not in tower_types():
            near = ", ".join(near_names(kind, tower_types())) or "clip_vision_model, siglip_vision_model"
            raise section.wrong("model_type", kind, f"a known tower such as {near}")
        import_module(f"{__name__}.{tower_types()[kind]}")
    _REGISTERED[kind](section, tensors)
