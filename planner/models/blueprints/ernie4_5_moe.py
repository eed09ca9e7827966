"""ERNIE 4.5 mixture of experts: routed layers from one index to another, at an interval."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, moe, shared_experts
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("ernie4_5_moe")
def ernie4_5_moe(config: Config) -> Model:
    """The load-balancing bias counts as a parameter; the prediction layer of the checkpoint is not listed."""
    shape = read_shape(config)
    bias = config.flag("use_bias")
    experts, chosen = config.integer("moe_num_experts", "num_experts"), config.integer("moe_k", "num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("moe_num_shared_experts", least=0)
    first, step = config.integer("moe_layer_start_index", default=0, least=0), config.integer("moe_layer_interval")
    last = config.integer("moe_layer_end_index", default=-1, least=-1)
    last = shape.layers - 1 if last == -1 else last
    layers = routed(
        shape,
        (*attention(shape, bias=bias), *norms(PRE_NORMS, shape.hidden, shape.dtype)),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=bias),
        (
            correction_bias("mlp.moe_statics.e_score_correction_bias", experts, trained=True),
            *moe(shape.hidden, width, experts, shape.dtype),
            *(shared_experts(shape.hidden, shared * width, shape.dtype, bias=bias) if shared else ()),
        ),
        Routing(experts, chosen, shared),
        sparse=[(index + 1) % step == 0 and first <= index <= last for index in range(shape.layers)],
        windows=[None] * shape.layers,
    )
    return decoder(config, shape, layers, head_bias=bias)
