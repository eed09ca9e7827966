"""Layers of a vision tower that are not built, because the features are taken before them."""

from functools import cache

from planner.models.class_defaults import class_defaults
from planner.models.model import Component, Model
from planner.models.tensor import Tensor

_CUT = (
    "LlavaForConditionalGeneration",
    "LlavaNextForConditionalGeneration",
    "LlavaNextVideoForConditionalGeneration",
    "LlavaOnevisionForConditionalGeneration",
)
_FIELD = "vision_feature_layer"
_POOLING = ("vision_model.head.", "vision_tower.head.")
"""What SigLIP pools an image with, which no class asks for (models/siglip.py, use_head)."""
_AFTER = "post_layernorm"


@cache
def built(model: Model, part: Component) -> tuple[Tensor, ...]:
    """Tensors of a component that vLLM creates (models/llava.py, init_vision_tower_for_llava without the last norm)."""
    tensors = tuple(tensor for tensor in part.tensors if not any(name in tensor.name for name in _POOLING))
    feature = model.config.get(_FIELD, class_defaults(model.model_type).fields.get(_FIELD, -2))
    if model.architecture not in _CUT or part.name != "vision" or not isinstance(feature, int):
        return tensors
    layers = {number for tensor in tensors if (number := _layer(tensor.name)) is not None}
    needed = feature + 1 if feature >= 0 else len(layers) + feature + 1
    return tuple(tensor for tensor in tensors if _AFTER not in tensor.name and (_layer(tensor.name) or 0) < needed)


def _layer(name: str) -> int | None:
    _, found, rest = name.partition(".layers.")
    return int(rest.partition(".")[0]) if found else None
