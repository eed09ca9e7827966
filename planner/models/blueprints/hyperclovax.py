"""HyperCLOVA X Think: Llama with norms after attention and feed-forward layer, too."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("hyperclovax")
def hyperclovax(config: Config) -> Model:
    """`use_post_norm` adds the two norms."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
        *(norms(["post_norm1", "post_norm2"], shape.hidden, shape.dtype) if config.flag("use_post_norm") else ()),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
