"""Phi-3, Phi-3.5 and Phi-4 (arXiv 2404.14219): Llama with fused projections."""

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


@blueprint("phi3")
def phi3(config: Config) -> Model:
    """Query, key and value are one matrix in the checkpoint, and so are gate and up."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, fused="qkv_proj"),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, fused="gate_up_proj"),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, layer_windows(config, shape.layers)))
