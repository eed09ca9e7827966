"""Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama with biases on query, key and value."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, SLIDING, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


def qwen_windows(config: Config, layers: int) -> list[int | None]:
    """Window of each layer: only with `use_sliding_window`, and only from `max_window_layers` on."""
    if not config.flag("use_sliding_window"):
        return [None] * layers
    full = config.integer("max_window_layers", default=layers, least=0)
    return layer_windows(config, layers, [FULL if index < full else SLIDING for index in range(layers)])


@blueprint("qwen2")
def qwen2(config: Config) -> Model:
    """Llama with biases on query, key and value."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=True, output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, qwen_windows(config, shape.layers)))
