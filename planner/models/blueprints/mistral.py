"""Mistral 7B (arXiv 2310.06825), Mistral Small, Large and Ministral: Llama without biases."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("mistral", "ministral", "ministral3")
def mistral(config: Config) -> Model:
    """A `sliding_window` holds for every layer, or for those that `layer_types` names (Ministral)."""
    shape = read_shape(config)
    tensors = (
        *attention(shape),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, layer_windows(config, shape.layers)))
