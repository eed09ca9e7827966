"""DeepSeekMoE (arXiv 2401.06066), the first DeepSeek with experts: Llama's attention, routed and shared experts."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("deepseek")
def deepseek(config: Config) -> Model:
    """The first layers are dense, and all but every `moe_layer_freq`-th of the others."""
    shape = read_shape(config)
    experts, chosen = config.integer("n_routed_experts"), config.integer("num_experts_per_tok")
    shared, width = config.integer("n_shared_experts", default=0, least=0), config.integer("moe_intermediate_size")
    first, step = (
        config.integer("first_k_dense_replace", default=0, least=0),
        config.integer("moe_layer_freq", default=1),
    )
    layers = routed(
        shape,
        (
            *attention(shape, bias=config.flag("attention_bias")),
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        ),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        moe(shape.hidden, width, experts, shape.dtype, shared=shared * width),
        Routing(experts, chosen, shared),
        sparse=[index >= first and index % step == 0 for index in range(shape.layers)],
        windows=[None] * shape.layers,
    )
    return decoder(config, shape, layers)
