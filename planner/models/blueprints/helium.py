"""Helium: Llama whose output projection never has a bias."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("helium")
def helium(config: Config) -> Model:
    """Pre-norm decoder with gated feed-forward layers."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
