"""Qwen3 dense and mixture-of-experts models (arXiv 2505.09388)."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen2 import windowed_layers
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import routed_experts, router
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor


def _attention_with_norms(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    return (
        *attention(shape, bias=config.flag("attention_bias", default=False), head_norms=True),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )


@blueprint("qwen3")
def qwen3(config: Config) -> Model:
    """Llama with norms on the heads of query and key."""
    shape = read_shape(config, head_dim=config.integer("head_dim", default=128))
    tensors = (
        *_attention_with_norms(config, shape),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
    )
    return decoder(config, shape, windowed_layers(config, shape, tensors))


@blueprint("qwen3_moe")
def qwen3_moe(config: Config) -> Model:
    """Qwen3 with routed experts in every layer but the `mlp_only_layers` and those between sparse steps."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    step = config.integer("decoder_sparse_step", default=1)
    dense_layers = config.items("mlp_only_layers", default=[])
    common = _attention_with_norms(config, shape)
    width = config.integer("moe_intermediate_size")
    sparse_tensors = (
        *common,
        *router("mlp.gate", shape.hidden, experts, shape.dtype),
        *routed_experts(shape.hidden, width, experts, shape.dtype),
    )
    sparse = windowed_layers(config, shape, sparse_tensors)
    routing = Routing(experts, chosen)
    routed = {layer: replace(layer, routing=routing) for layer in dict.fromkeys(sparse)}
    dense = windowed_layers(config, shape, (*common, *gated_mlp(shape.hidden, shape.intermediate, shape.dtype)))
    layers: list[Layer] = [
        routed[sparse[index]] if index not in dense_layers and (index + 1) % step == 0 else dense[index]
        for index in range(shape.layers)
    ]
    return decoder(config, shape, layers)
