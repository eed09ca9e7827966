"""Hunyuan mixture-of-experts models: Hunyuan-A13B and Hunyuan 3."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router, shared_experts
from planner.models.parts.layer_types import dense_first
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("hunyuan_v1_moe")
def hunyuan_v1_moe(config: Config) -> Model:
    """Every layer routes; experts and the shared one are as wide as `intermediate_size`."""
    shape = read_shape(config)
    experts, chosen = (
        _first(config, "num_experts", "num_local_experts"),
        _first(config, "moe_topk", "num_experts_per_tok"),
    )
    common = (
        *attention(
            shape, bias=config.flag("attention_bias"), head_norms=True,
            norm_names=("query_layernorm", "key_layernorm"),
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )  # fmt: skip
    feed_forward = (
        *router(shape.hidden, experts, shape.dtype, name="mlp.gate.wg"),
        *routed_experts(shape.hidden, shape.intermediate, experts, shape.dtype),
        *shared_experts(shape.hidden, shape.intermediate, shape.dtype, name="mlp.shared_mlp"),
    )
    every = [True] * shape.layers
    routing = Routing(experts, chosen, 1)
    return decoder(
        config, shape, routed(shape, common, (), feed_forward, routing, sparse=every, windows=[None] * shape.layers)
    )


@blueprint("hy_v3")
def hy_v3(config: Config) -> Model:
    """Hunyuan 3: the first layer dense, norms of query and key."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("num_shared_experts", least=0)
    bias = config.flag("mlp_bias")
    layers = routed(
        shape,
        (
            *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        ),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=bias),
        (
            *router(shape.hidden, experts, shape.dtype, name="mlp.router.gate"),
            correction_bias("mlp.expert_bias", experts),
            *routed_experts(shape.hidden, width, experts, shape.dtype),
            *shared_experts(shape.hidden, shared * width, shape.dtype, name="mlp.shared_mlp", bias=bias),
        ),
        Routing(experts, chosen, shared),
        sparse=dense_first(config, shape.layers, habit=1),
        windows=[None] * shape.layers,
    )
    return decoder(config, shape, layers)


def _first(config: Config, *names: str) -> int:
    """Return a number that may be given once, or as a list with one entry a layer."""
    value = config.get(*names)
    if isinstance(value, list) and value:
        if len(set(map(str, value))) > 1:
            raise config.wrong(names[0], value, "the same number for every layer")
        return int(config.integers(*names)[0])
    return config.integer(*names)
