"""GLM-4 (arXiv 2406.12793) in the form of transformers: fused gate and up."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("glm", "glm4")
def glm(config: Config) -> Model:
    """Biases on query, key and value by flag; GLM-4-0414 adds norms after each part."""
    shape = read_shape(config)
    after = ["post_self_attn_layernorm", "post_mlp_layernorm"] if config.model_type == "glm4" else []
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, fused="gate_up_proj"),
        *norms([*PRE_NORMS, *after], shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
