"""Qwen2-VL, Qwen2.5-VL, Qwen3-VL and Qwen3.5: a vision tower beside a Qwen decoder."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen2 import qwen2
from planner.models.blueprints.qwen3 import qwen3
from planner.models.blueprints.qwen_moe import sparse_layers
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.multimodal import multimodal, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router, stacked_experts
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape

INSIDE = {"model.": "model.language_model."}


@blueprint("qwen2_vl", "qwen2_5_vl")
def qwen2_vl(config: Config) -> Model:
    """The decoder keeps its names; older files have its fields at the top."""
    text = text_model(config, at_top=True)
    vision = config.part("vision_config")
    return multimodal(config, text, [tower_component("vision", vision, "visual.")], {})


@blueprint("qwen3_vl", "qwen3_vl_moe", "qwen3_5", "qwen3_5_moe", "cohere_compass")
def qwen3_vl(config: Config) -> Model:
    """Tower and decoder side by side below `model`."""
    text = text_model(config)
    vision = config.part("vision_config")
    return multimodal(config, text, [tower_component("vision", vision, "model.visual.")], INSIDE)


@blueprint("qwen2_vl_text", "qwen2_5_vl_text")
def qwen2_vl_text(config: Config) -> Model:
    """Qwen2 with positions in three directions."""
    return qwen2(config)


@blueprint("qwen3_vl_text")
def qwen3_vl_text(config: Config) -> Model:
    """Qwen3 with positions in three directions."""
    return qwen3(config)


@blueprint("qwen3_vl_moe_text")
def qwen3_vl_moe_text(config: Config) -> Model:
    """Qwen3-MoE whose experts lie in two tensors."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    layers = routed(
        shape,
        (
            *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        ),
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        (
            *router(shape.hidden, experts, shape.dtype),
            *stacked_experts(shape.hidden, config.integer("moe_intermediate_size"), experts, shape.dtype),
        ),
        Routing(experts, chosen),
        sparse=sparse_layers(config, shape.layers),
        windows=[None] * shape.layers,
    )
    return decoder(config, shape, layers)
