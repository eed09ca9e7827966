"""StarCoder2 (arXiv 2402.19173): LayerNorm, biases, a sliding window."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("starcoder2")
def starcoder2(config: Config) -> Model:
    """`use_bias` holds for every linear layer."""
    shape = read_shape(config)
    bias = config.flag("use_bias")
    tensors = (
        *attention(shape, bias=bias),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="mlp.c_fc", down="mlp.c_proj", bias=bias),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )
    layers = windowed(shape, tensors, layer_windows(config, shape.layers))
    return decoder(config, shape, layers, norm_bias=True, tied=True)
