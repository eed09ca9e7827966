"""MiniCPM 1 and 2, MiniCPM-MoE (arXiv 2404.06395): Llama with scaled branches, which no tensor shows."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import routed_experts, router
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("minicpm")
def minicpm(config: Config) -> Model:
    """Experts in every layer where `num_experts` says so; the head is tied unless the file says otherwise."""
    shape = read_shape(config)
    experts = config.integer("num_experts", default=0, least=0)
    feed_forward = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
    if experts:
        feed_forward = (
            *router(shape.hidden, experts, shape.dtype),
            *routed_experts(shape.hidden, shape.intermediate, experts, shape.dtype, names=("w1", "w3", "w2")),
        )
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *feed_forward,
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    routing = Routing(experts, config.integer("num_experts_per_tok", most=experts)) if experts else None
    layer = Layer(tensors, shape.attention(), routing=routing)
    return decoder(config, shape, [layer] * shape.layers, tied=True)
