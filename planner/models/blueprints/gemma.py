"""Gemma (arXiv 2403.08295), Gemma 2 (2408.00118), the text of Gemma 3 (2503.19786), VaultGemma."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, SANDWICH_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("gemma")
def gemma(config: Config) -> Model:
    """Wide heads, full attention, the head tied to the embedding."""
    return _gemma(config, PRE_NORMS, group=1)


@blueprint("gemma2")
def gemma2(config: Config) -> Model:
    """Norms before and after each part; every other layer slides."""
    return _gemma(config, SANDWICH_NORMS, group=2)


@blueprint("gemma3_text")
def gemma3_text(config: Config) -> Model:
    """Norms of query and key; five of six layers slide."""
    return _gemma(config, SANDWICH_NORMS, group=config.integer("sliding_window_pattern", default=6), head_norms=True)


@blueprint("vaultgemma")
def vaultgemma(config: Config) -> Model:
    """Gemma 2 with only the norms before each part."""
    return _gemma(config, ("input_layernorm", "pre_feedforward_layernorm"), group=2)


def _gemma(config: Config, norm_names: tuple[str, ...], *, group: int, head_norms: bool = False) -> Model:
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=head_norms),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(norm_names, shape.hidden, shape.dtype),
    )
    windows = layer_windows(config, shape.layers, last_of(group, shape.layers))
    return decoder(config, shape, windowed(shape, tensors, windows), tied=True)
