"""Gemma 2 (arXiv 2408.00118): norms before and after each part, every other layer slides."""

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


@blueprint("gemma2")
def gemma2(config: Config) -> Model:
    """Alternating sliding and full attention; the head is tied to the embedding."""
    shape = read_shape(config, head_dim=config.integer("head_dim", default=256))
    names = [
        "input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm",
    ]  # fmt: skip
    tensors = (
        *attention(shape, bias=config.flag("attention_bias", default=False)),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(names, shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, every=2)
    kinds = {window: Layer(tensors, shape.attention(window)) for window in dict.fromkeys(windows)}
    return decoder(config, shape, [kinds[window] for window in windows], tied=True)
