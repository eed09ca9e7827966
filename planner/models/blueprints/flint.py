"""Flint, Beam, Mellum 2 and Kolibri: Qwen3-MoE layers with sliding windows, each with a part of its own."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import CORRECTION
from planner.models.blueprints.qwen_moe import sparse_layers
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, moe
from planner.models.parts.layer_types import FULL, SLIDING, dense_first, last_of, layer_windows
from planner.models.parts.layers import routed
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, SANDWICH_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("flint")
def flint(config: Config) -> Model:
    """A learned offset of the softmax a head; the first two layers, every fourth and the last are full."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("shared_expert_intermediate_size")
    last = shape.layers - 1
    habit = [FULL if index < 2 or index % 4 == 1 or index == last else SLIDING for index in range(shape.layers)]
    common = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
        Tensor("self_attn.softmax_offset", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    layers = routed(
        shape,
        common,
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(shape.hidden, width, experts, shape.dtype, shared=shared, shared_name="shared_expert"),
        Routing(experts, chosen, 1),
        sparse=sparse_layers(config, shape.layers, habit=[0, 1]),
        windows=layer_windows(config, shape.layers, habit),
    )
    return decoder(config, shape, layers)


@blueprint("beam")
def beam(config: Config) -> Model:
    """Gated attention, four norms; three dense layers; every sixth layer and the last are full."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    gates = shape.heads * shape.head_dim
    gate = linear(
        "self_attn.gate_proj", gates, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=shape.heads
    )
    common = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
        *gate,
        Tensor("self_attn.gate_bias", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *norms(SANDWICH_NORMS, shape.hidden, shape.dtype),
    )
    layers = routed(
        shape,
        common,
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(shape.hidden, config.integer("moe_intermediate_size"), experts, shape.dtype, correction=CORRECTION),
        Routing(experts, chosen),
        sparse=dense_first(config, shape.layers, habit=3),
        windows=layer_windows(config, shape.layers, [*last_of(6, shape.layers)[:-1], FULL]),
    )
    return decoder(config, shape, layers)


@blueprint("mellum")
def mellum(config: Config) -> Model:
    """Norms of query and key; layer types say which slide and which route."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok")
    layers = routed(
        shape,
        (
            *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        ),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(shape.hidden, config.integer("moe_intermediate_size"), experts, shape.dtype),
        Routing(experts, chosen),
        sparse=dense_first(config, shape.layers),
        windows=layer_windows(config, shape.layers, [FULL] * shape.layers),
    )
    return decoder(config, shape, layers)


@blueprint("kolibri1")
def kolibri1(config: Config) -> Model:
    """Four norms; every fifth layer is full; every layer routes."""
    shape = read_shape(config, intermediate=0)
    experts, chosen = config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("shared_expert_intermediate_size")
    layers = routed(
        shape,
        (
            *attention(shape, head_norms=True),
            *norms([*PRE_NORMS, "post_attn_norm", "post_ffn_norm"], shape.hidden, shape.dtype),
        ),
        (),
        (
            *moe(shape.hidden, width, experts, shape.dtype, shared=shared),
            correction_bias("moe.router.expert_bias", experts),
        ),
        Routing(experts, chosen, 1),
        sparse=[True] * shape.layers,
        windows=layer_windows(config, shape.layers, last_of(5, shape.layers)),
    )
    return decoder(config, shape, layers)
