"""Llama-Nemotron (arXiv 2505.00949): Llama whose layers a search made unlike, each as `block_configs` says.

A layer may lack attention or its feed-forward part, or have one matrix in place of either (nemotron_nas.py of vLLM).
"""

from dataclasses import replace
from typing import Final

from planner.models.attention import Attention
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norm
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor

_NONE: Final = 0
_ONE_MATRIX: Final = -1


@blueprint("nemotron-nas", "deci")
def nemotron_nas(config: Config) -> Model:
    """Each layer has its own number of KV heads, its own window and its own width."""
    shape = read_shape(config, intermediate=0, kv_heads=1)
    blocks = config.items("block_configs", length=shape.layers)
    kinds = []
    for index, block in enumerate(blocks):
        part = Config(block, config.where, f"block_configs[{index}]")
        kinds.append((*_attention_kind(part.section("attention"), shape), _width(part.section("ffn"), shape)))

    def make(kind: tuple[int, int | None, int]) -> Layer:
        kv_heads, window, width = kind
        mixer, cache = _mixer(config, shape, kv_heads, window)
        return Layer((*mixer, *_feed_forward(config, shape, width)), cache)

    return decoder(config, shape, layers_of(kinds, make))


def _attention_kind(part: Config, shape: Shape) -> tuple[int, int | None]:
    """Return KV heads (or that there is no attention) and window."""
    if part.flag("no_op"):
        return _NONE, None
    if part.flag("replace_with_linear"):
        return _ONE_MATRIX, None
    group = part.integer("n_heads_in_group")
    if shape.heads % group:
        raise part.wrong("n_heads_in_group", group, f"a divisor of the {shape.heads} attention heads")
    return shape.heads // group, part.integer("window_length", default=0, least=0) or None


def _width(part: Config, shape: Shape) -> int:
    """Return the feed-forward width: `ffn_mult` of a plain layer, a third less as it is gated, in steps of 256."""
    if part.flag("no_op"):
        return _NONE
    if part.flag("replace_with_linear"):
        return _ONE_MATRIX
    if "intermediate_size" in part:
        return part.integer("intermediate_size")
    return -(-int(2 * part.number("ffn_mult") * shape.hidden / 3) // 256) * 256


def _mixer(
    config: Config, shape: Shape, kv_heads: int, window: int | None
) -> tuple[tuple[Tensor, ...], Attention | None]:
    if kv_heads == _NONE:
        return (), None
    before = norm("input_layernorm", shape.hidden, shape.dtype)
    if kv_heads == _ONE_MATRIX:
        matrix = linear("self_attn.linear_attn", shape.hidden, shape.hidden, shape.dtype, Role.ATTENTION)
        return (*before, *matrix), None
    own = replace(shape, kv_heads=kv_heads)
    return (*before, *attention(own, bias=config.flag("attention_bias"))), own.attention(window)


def _feed_forward(config: Config, shape: Shape, width: int) -> tuple[Tensor, ...]:
    if width == _NONE:
        return ()
    before = norm("post_attention_layernorm", shape.hidden, shape.dtype)
    if width == _ONE_MATRIX:
        return (*before, *linear("mlp.linear_mlp", shape.hidden, shape.hidden, shape.dtype, Role.MLP))
    return (*before, *gated_mlp(shape.hidden, width, shape.dtype, bias=config.flag("mlp_bias")))
