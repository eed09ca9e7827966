"""Vision and audio towers of multimodal models, one kind a file: they stand beside the decoder.

A new tower is one file in this folder with a function decorated by `@tower("its_model_type")`; it writes
the tensors of one section of a config.json below a prefix.
"""

from collections.abc import Callable
from pathlib import Path

from planner.models.config_json import Config
from planner.models.parts.tensor_list import TensorList
from planner.models.registry import Registry
from planner.near_names import near_names

Writer = Callable[[Config, TensorList], None]
_TOWERS = Registry[Writer](__name__, Path(__file__).parent, "tower")


def tower(*model_types: str) -> Callable[[Writer], Writer]:
    """Register a function as the writer of these kinds of tower."""
    return _TOWERS.register(*model_types)


def write_tower(section: Config, tensors: TensorList) -> None:
    """Add the tensors of the tower that a section describes; raises BadInput when its kind is unknown."""
    kind = section.model_type
    write = _TOWERS.find(kind)
    if write is None:
        near = ", ".join(near_names(kind, _TOWERS.modules)) or "clip_vision_model, siglip_vision_model"
        raise section.wrong("model_type", kind, f"a known tower such as {near}")
    write(section, tensors)
