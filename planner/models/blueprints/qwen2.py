"""Qwen2 and Qwen2.5 (arXiv 2407.10671): Llama with biases on query, key and value."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor


def qwen_windows(config: Config, layers: int) -> list[int | None]:
    """Window of each layer: only with `use_sliding_window`, and only from `max_window_layers` on."""
    if not config.flag("use_sliding_window", default=False):
        return [None] * layers
    window = config.integer("sliding_window")
    full = config.integer("max_window_layers", default=layers, least=0)
    return [None if index < full else window for index in range(layers)]


def windowed_layers(config: Config, shape: Shape, tensors: tuple[Tensor, ...]) -> list[Layer]:
    """Repeat one layer, full or sliding as the config says."""
    windows = qwen_windows(config, shape.layers)
    kinds = {window: Layer(tensors, shape.attention(window)) for window in dict.fromkeys(windows)}
    return [kinds[window] for window in windows]


@blueprint("qwen2")
def qwen2(config: Config) -> Model:
    """Llama with biases on query, key and value."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=True, output_bias=False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed_layers(config, shape, tensors))
