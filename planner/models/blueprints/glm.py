"""GLM-4 (arXiv 2406.12793) and the text of its vision models in the form of transformers: fused gate and up."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape

_AFTER = ["post_self_attn_layernorm", "post_mlp_layernorm"]


@blueprint("glm")
def glm(config: Config) -> Model:
    """Biases on query, key and value by flag."""
    return _model(config, bias=config.flag("attention_bias"), after=[])


@blueprint("glm4")
def glm4(config: Config) -> Model:
    """GLM-4-0414: norms after each part."""
    return _model(config, bias=config.flag("attention_bias"), after=_AFTER)


@blueprint("glm4v_text")
def glm4v_text(config: Config) -> Model:
    """GLM-4-0414 with biases."""
    return _model(config, bias=True, after=_AFTER)


@blueprint("glm_ocr_text")
def glm_ocr_text(config: Config) -> Model:
    """GLM-4-0414 without biases."""
    return _model(config, bias=False, after=_AFTER)


def _model(config: Config, *, bias: bool, after: list[str]) -> Model:
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=bias, output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, fused="gate_up_proj"),
        *norms([*PRE_NORMS, *after], shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
