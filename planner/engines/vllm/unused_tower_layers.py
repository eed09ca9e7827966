"""Layers of a vision tower that are not built, because the features are taken before them."""

from functools import cache

from planner.models.model import Component, Model
from planner.models.tensor import Tensor

_CUT = ("LlavaForConditionalGeneration",)
_AFTER = "post_layernorm"


@cache
def built(model: Model, part: Component) -> tuple[Tensor, ...]:
    """Tensors of a component that vLLM creates (models/llava.py, init_vision_tower_for_llava)."""
    feature = model.config.get("vision_feature_layer", -2)
    if model.architecture not in _CUT or part.name != "vision" or not isinstance(feature, int):
        return part.tensors
    layers = {number for tensor in part.tensors if (number := _layer(tensor.name)) is not None}
    needed = feature + 1 if feature >= 0 else len(layers) + feature + 1
    if needed >= len(layers):
        return part.tensors
    return tuple(tensor for tensor in part.tensors if _AFTER not in tensor.name and (_layer(tensor.name) or 0) < needed)


def _layer(name: str) -> int | None:
    _, found, rest = name.partition(".layers.")
    return int(rest.partition(".")[0]) if found else None
