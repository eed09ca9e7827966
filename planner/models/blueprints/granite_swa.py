"""Granite with sliding windows and attention sinks."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import first_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("granite_swa")
def granite_swa(config: Config) -> Model:
    """The first of four layers is full; each head has a learned sink."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        Tensor("self_attn.sinks", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, first_of(4, shape.layers))
    return decoder(config, shape, windowed(shape, tensors, windows))
