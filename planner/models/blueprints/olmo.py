"""OLMo (arXiv 2402.00838), OLMo 2 (2501.00656) and OLMo 3: norms after each part."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape

POST_NORMS = ("post_attention_layernorm", "post_feedforward_layernorm")


@blueprint("olmo")
def olmo(config: Config) -> Model:
    """OLMo 1: its norms have no weights."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers), last=())


@blueprint("olmo2", "olmo3")
def olmo2(config: Config) -> Model:
    """Norms of query and key over all heads at once; in OLMo 3 three of four layers slide."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms="whole"),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(POST_NORMS, shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, last_of(4, shape.layers))
    return decoder(config, shape, windowed(shape, tensors, windows))
