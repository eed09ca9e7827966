"""Trinity (Arcee): gated attention, four norms a layer, a sigmoid router with a trained bias."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router, shared_experts
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import routed
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("afmoe")
def afmoe(config: Config) -> Model:
    """The first `num_dense_layers` are dense; every `global_attn_every_n_layers`-th layer is full."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("num_shared_experts", least=0)
    group = config.integer("global_attn_every_n_layers")
    dense, heads = config.integer("num_dense_layers", least=0), shape.heads
    common = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
        *linear(
            "self_attn.gate_proj", heads * shape.head_dim, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN,
            units=heads,
        ),
        *norms([*PRE_NORMS, "pre_mlp_layernorm", "post_mlp_layernorm"], shape.hidden, shape.dtype),
    )  # fmt: skip
    feed_forward: tuple[Tensor, ...] = (
        *router(shape.hidden, experts, shape.dtype, name="mlp.router.gate"),
        correction_bias("mlp.expert_bias", experts, trained=True),
        *routed_experts(shape.hidden, width, experts, shape.dtype),
        *shared_experts(shape.hidden, shared * width, shape.dtype),
    )
    layers = routed(
        shape,
        common,
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        feed_forward,
        Routing(experts, chosen, shared),
        sparse=[index >= dense for index in range(shape.layers)],
        windows=layer_windows(config, shape.layers, last_of(group, shape.layers)),
    )
    return decoder(config, shape, layers)
