"""Muse Glimmer (Meta): gated attention of few KV heads, three of four layers sliding, a tower of its own."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, SLIDING, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import SANDWICH_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split


@blueprint("muse_glimmer")
def muse_glimmer(config: Config) -> Model:
    """Merged patches pass two linear layers of the adapter and a projection."""
    text, inner = text_model(config), config.integer("projector_hidden_size")
    tensors = projector(config, "model.")
    tensors.pair(
        "vision_adapter.fc1", "vision_adapter.fc2", inner, inner, config.integer("out_hidden_size"), bias=False
    )
    tensors.linear("vision_projection", text.hidden_size, inner, bias=False)
    tower = tower_component("vision", config.part("vision_config"), "model.vision_tower.")
    parts = [tower, component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."}, tied=text.tied)


@blueprint("muse_glimmer_text")
def muse_glimmer_text(config: Config) -> Model:
    """The last layer is full, and every fourth before it."""
    shape = read_shape(config)
    wide = shape.heads * shape.head_dim
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *linear(
            "self_attn.gate_proj", wide, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN,
            units=shape.heads,
        ),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(SANDWICH_NORMS, shape.hidden, shape.dtype),
    )  # fmt: skip
    habit = [SLIDING if (shape.layers - 1 - index) % 4 else FULL for index in range(shape.layers)]
    return decoder(config, shape, windowed(shape, tensors, layer_windows(config, shape.layers, habit)))
