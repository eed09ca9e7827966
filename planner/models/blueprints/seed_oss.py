"""Seed-OSS: Llama whose output projection has a bias of its own."""

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


@blueprint("seed_oss")
def seed_oss(config: Config) -> Model:
    """Biases of query, key and value, of the output, and of the feed-forward layer are three flags."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), output_bias=config.flag("attention_out_bias")),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, layer_windows(config, shape.layers)))
