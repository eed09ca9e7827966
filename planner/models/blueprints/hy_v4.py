"""Hunyuan 4: sparse latent attention with gates and sinks, routed experts, several residual streams."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, router, stacked_experts
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.parts.streams import residual_streams
from planner.models.tensor import Role, Split, Tensor

_NAMES = ("linear_gate", "up_proj", "down_proj")


@blueprint("hy_v4")
def hy_v4(config: Config) -> Model:
    """The first layer is dense; of four layers one has an indexer whose choice the next three take over."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    indexed = ["full" if index == 0 or (index - 1) % 4 == 0 else "shared" for index in range(shape.layers)]
    if "indexer_types" in config:
        indexed = config.texts("indexer_types", length=shape.layers)
    sparse = ["dense", *["sparse"] * (shape.layers - 1)]
    if "mlp_layer_types" in config:
        sparse = config.texts("mlp_layer_types", length=shape.layers)
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    shared, width, dtype = (
        config.integer("n_shared_experts", least=0),
        config.integer("moe_intermediate_size"),
        shape.dtype,
    )
    routed = (
        *router(shape.hidden, experts, dtype),
        correction_bias("mlp.gate.e_score_correction_bias", experts),
        *stacked_experts(shape.hidden, width, experts, dtype),
        *gated_mlp(
            shape.hidden, shared * width, dtype, name="mlp.shared_experts", names=_NAMES, role=Role.SHARED_EXPERT
        ),
    )
    dense = gated_mlp(shape.hidden, shape.intermediate, dtype, names=_NAMES)
    common = (
        *_gate(config, shape),
        *norms(PRE_NORMS, shape.hidden, dtype),
        *residual_streams(config, shape.hidden, "hc_pre.hc_attn_layer.hc_", mixes=False),
        *residual_streams(config, shape.hidden, "hc_pre.hc_mlp_layer.hc_", mixes=False),
    )

    def make(kind: tuple[str, str]) -> Layer:
        index, feed_forward = kind
        mixer, cache = latent_attention(config, dtype, indexed=True, caches_index=index == "full")
        routes = feed_forward == "sparse"
        routing = Routing(experts, chosen, shared) if routes else None
        return Layer((*mixer, *common, *(routed if routes else dense)), cache, routing=routing)

    head = residual_streams(config, shape.hidden, "model.hc_pre.hc_head.hc_head_", ways=1, mixes=False)
    last = (*norm("model.norm", shape.hidden, dtype), *head)
    return decoder(config, shape, layers_of(zip(indexed, sparse, strict=True), make), last=last)


def _gate(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return the gate on the values of each head, and the sink that each head may look at instead."""
    values = shape.heads * config.integer("v_head_dim")
    return (
        *linear(
            "self_attn.linear_gate", values, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=shape.heads
        ),
        Tensor("self_attn.learnable_sink_param", (shape.heads,), F32, Role.ATTENTION, Split.COLUMN, shape.heads),
    )
