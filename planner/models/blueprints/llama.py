"""Llama (arXiv 2302.13971) and Mistral (arXiv 2310.06825)."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape
from planner.models.parts.windows import layer_windows


@blueprint("llama", "mistral")
def llama(config: Config) -> Model:
    """Pre-norm decoder: grouped-query attention and a gated feed-forward layer."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias", default=False)),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias", default=False)),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )
    (window, *_) = layer_windows(config, shape.layers)
    return decoder(config, shape, [Layer(tensors, shape.attention(window))] * shape.layers)
