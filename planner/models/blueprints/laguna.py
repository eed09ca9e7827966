"""Laguna (Poolside): attention with gated outputs and its own number of heads in each layer."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, moe
from planner.models.parts.layer_types import FULL, dense_first, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split


@blueprint("laguna")
def laguna(config: Config) -> Model:
    """The first layer is dense; `gating` scales each head, or each element, of the output."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("shared_expert_intermediate_size")
    by_head = config.get("gating", default=True) in (True, "per-head")
    feed_forward = {
        False: gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        True: (
            *moe(shape.hidden, width, experts, shape.dtype, shared=shared, shared_name="shared_expert"),
            correction_bias("mlp.experts.e_score_correction_bias", experts, trained=True),
        ),
    }

    def make(kind: tuple[bool, int | None, int]) -> Layer:
        routes, window, heads = kind
        own = replace(shape, heads=heads)
        gates = heads if by_head else heads * shape.head_dim
        tensors = (
            *attention(own, bias=config.flag("attention_bias"), head_norms=True),
            *linear("self_attn.g_proj", gates, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=heads),
            *feed_forward[routes],
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        )
        return Layer(tensors, own.attention(window), routing=Routing(experts, chosen, 1) if routes else None)

    usual = [shape.heads] * shape.layers
    heads = config.integers("num_attention_heads_per_layer", default=usual, length=shape.layers)
    windows = layer_windows(config, shape.layers, [FULL] * shape.layers)
    sparse = dense_first(config, shape.layers, habit=1)
    return decoder(config, shape, layers_of(zip(sparse, windows, heads, strict=True), make))
