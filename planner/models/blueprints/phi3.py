"""Phi-3, Phi-3.5 and Phi-4 (arXiv 2404.14219): Llama with fused projections."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape
from planner.models.parts.windows import layer_windows


@blueprint("phi3")
def phi3(config: Config) -> Model:
    """Query, key and value are one matrix in the checkpoint, and so are gate and up."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, fused="qkv_proj"),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, fused="gate_up_proj"),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )
    (window, *_) = layer_windows(config, shape.layers)
    return decoder(config, shape, [Layer(tensors, shape.attention(window))] * shape.layers)
