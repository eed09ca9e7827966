"""Arcee AFM and Nemotron-4 (arXiv 2402.16819): squared-ReLU feed-forward layers, not gated."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("arcee", "nemotron", "jais2")
def arcee(config: Config) -> Model:
    """Llama with two matrices in the feed-forward layer; Nemotron and Jais 2 have LayerNorm."""
    shape = read_shape(config)
    layer_norm = config.model_type != "arcee"
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=layer_norm),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers), norm_bias=layer_norm)
