"""ERNIE 4.5 dense: Llama with one flag for all biases."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("ernie4_5")
def ernie4_5(config: Config) -> Model:
    """`use_bias` adds biases everywhere; heads may be wider than the model."""
    shape = read_shape(config)
    bias = config.flag("use_bias")
    tensors = (
        *attention(shape, bias=bias),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=bias),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
