"""Hunyuan dense models: Llama with norms of query and key."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("hunyuan_v1_dense")
def hunyuan_v1_dense(config: Config) -> Model:
    """The norms of the heads are called `query_layernorm` and `key_layernorm`."""
    shape = read_shape(config)
    tensors = (
        *attention(
            shape, bias=config.flag("attention_bias"), head_norms=True,
            norm_names=("query_layernorm", "key_layernorm"),
        ),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )  # fmt: skip
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
