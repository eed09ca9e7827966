"""Qwen3 dense (arXiv 2505.09388): Llama with norms of query and key."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen2 import qwen_windows
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("qwen3")
def qwen3(config: Config) -> Model:
    """Heads of 128 whatever the width of the model."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, qwen_windows(config, shape.layers)))
