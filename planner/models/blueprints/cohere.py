"""Command R and Aya (Cohere): attention and feed-forward layer side by side behind one norm."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("cohere")
def cohere(config: Config) -> Model:
    """`use_qk_norm` adds norms of query and key, each head with weights of its own."""
    return _cohere(config, group=1, head_norms=config.flag("use_qk_norm"))


@blueprint("cohere2")
def cohere2(config: Config) -> Model:
    """Command R7B and Command A: three of four layers slide."""
    return _cohere(config, group=config.integer("sliding_window_pattern", default=4))


@blueprint("cohere_compass_text")
def cohere_compass_text(config: Config) -> Model:
    """Compass: Command with full attention unless `layer_types` says otherwise."""
    return _cohere(config, group=1)


def _cohere(config: Config, *, group: int, head_norms: bool = False) -> Model:
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms="whole" if head_norms else False),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(["input_layernorm"], shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, last_of(group, shape.layers))
    return decoder(config, shape, windowed(shape, tensors, windows), tied=True)
