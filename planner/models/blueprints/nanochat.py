"""nanochat: a squared-ReLU decoder whose norms have no weights."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.shape import read_shape


@blueprint("nanochat")
def nanochat(config: Config) -> Model:
    """No norm stores anything."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="mlp.fc1", down="mlp.fc2"),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers), last=())
