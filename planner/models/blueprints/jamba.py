"""Jamba (arXiv 2403.19887): Mamba layers, attention now and then, experts in every other layer."""

from math import ceil

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import routed_experts, router
from planner.models.parts.layers import layers_of
from planner.models.parts.mamba import mamba
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("jamba")
def jamba(config: Config) -> Model:
    """Periods and offsets say which layers attend and which route."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    rank = config.get("mamba_dt_rank", default="auto")
    mixer, state = mamba(
        shape.hidden, config.integer("mamba_expand") * shape.hidden, config.integer("mamba_d_state"),
        ceil(shape.hidden / 16) if rank == "auto" else config.integer("mamba_dt_rank"),
        config.integer("mamba_d_conv"), shape.dtype, name="mamba", inner_norms=True,
        bias=config.flag("mamba_proj_bias"), conv_bias=config.flag("mamba_conv_bias", default=True),
    )  # fmt: skip
    routed = (
        *router(shape.hidden, experts, shape.dtype, name="feed_forward.router"),
        *routed_experts(shape.hidden, shape.intermediate, experts, shape.dtype, name="feed_forward.experts.*"),
    )
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name="feed_forward")
    common = norms(["input_layernorm", "pre_ff_layernorm"], shape.hidden, shape.dtype)

    def make(kind: tuple[bool, bool]) -> Layer:
        attends, routes = kind
        feed_forward, routing = (routed, Routing(experts, chosen)) if routes else (dense, None)
        if attends:
            return Layer((*attention(shape), *feed_forward, *common), shape.attention(), routing=routing)
        return Layer((*mixer, *feed_forward, *common), state=state, routing=routing)

    attends, routes = _every(config, "attn", shape.layers), _every(config, "expert", shape.layers, experts > 1)
    layers = layers_of(zip(attends, routes, strict=True), make)
    return decoder(config, shape, layers, final="final_layernorm")


def _every(config: Config, what: str, layers: int, some: bool = True) -> list[bool]:
    period = config.integer(f"{what}_layer_period")
    offset = config.integer(f"{what}_layer_offset", least=0)
    return [some and index % period == offset for index in range(layers)]
