"""LongCat-Flash (arXiv 2509.01322): two latent attentions and two dense layers beside the experts of a layer."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("longcat_flash")
def longcat_flash(config: Config) -> Model:
    """Some routes lead to experts that do nothing: they have rows in the router but no weights."""
    shape = read_shape(config, head_dim=1, kv_heads=1, intermediate=config.integer("ffn_hidden_size"))
    experts, idle = config.integer("n_routed_experts"), config.integer("zero_expert_num", default=0, least=0)
    width, chosen = config.integer("expert_ffn_hidden_size"), config.integer("moe_topk")
    mixers = [latent_attention(config, shape.dtype, name=f"self_attn.{index}") for index in (0, 1)]
    tensors = (
        *(tensor for mixer, _ in mixers for tensor in mixer),
        *(
            tensor
            for index in (0, 1)
            for tensor in gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name=f"mlps.{index}")
        ),
        *router(
            shape.hidden, experts + idle, shape.dtype, name="mlp.router.classifier", bias=config.flag("router_bias")
        ),
        correction_bias("mlp.router.e_score_correction_bias", experts + idle),
        *routed_experts(shape.hidden, width, experts, shape.dtype),
        *norms(
            [f"{name}.{index}" for name in ("input_layernorm", "post_attention_layernorm") for index in (0, 1)],
            shape.hidden, shape.dtype,
        ),
    )  # fmt: skip
    if idle:
        config.assume(f"the {idle} idle experts of a layer have no weights, though transformers makes some")
    layer = Layer(tensors, replace(mixers[0][1], copies=2), routing=Routing(experts, chosen))
    return decoder(config, shape, [layer] * shape.layers)
