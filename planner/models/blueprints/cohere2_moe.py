"""Cohere mixture of experts: Command R7B layers, routed but for the first few."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import dense_first, last_of, layer_windows
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("cohere2_moe")
def cohere2_moe(config: Config) -> Model:
    """Attention and feed-forward layer side by side behind one norm; dense layers have a width of their own."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    shared = config.integer("num_shared_experts", default=0, least=0)
    sparse = dense_first(config, shape.layers)
    first = config.integer("first_k_dense_replace", default=0, least=0)
    habit = last_of(config.integer("prefix_dense_sliding_window_pattern", default=1), first)
    habit += last_of(config.integer("sliding_window_pattern", default=4), max(shape.layers - first, 0))
    dense_width = 0 if all(sparse) else config.integer("prefix_dense_intermediate_size")
    layers = routed(
        shape,
        (*attention(shape, bias=config.flag("attention_bias")), *norms(["input_layernorm"], shape.hidden, shape.dtype)),
        gated_mlp(shape.hidden, dense_width, shape.dtype),
        moe(shape.hidden, shape.intermediate, experts, shape.dtype, shared=shared * shape.intermediate),
        Routing(experts, chosen, shared),
        sparse=sparse,
        windows=layer_windows(config, shape.layers, habit[: shape.layers]),
    )
    return decoder(config, shape, layers, tied=True)
