"""Aria (arXiv 2410.05993): a perceiver reads the patches of an Idefics 3 tower; every layer of the decoder routes."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llama import BIASES
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router, shared_experts, stacked_experts
from planner.models.parts.layers import routed
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape

_QUERIES = 256
"""Learned queries when `projector_patch_to_query_dict` is not given: those of the larger image size."""


@blueprint("aria")
def aria(config: Config) -> Model:
    """Cross-attention between learned queries and patches, then two matrices."""
    vision, text = config.part("vision_config"), text_model(config)
    width = vision.integer("hidden_size")
    tensors = projector(config, "multi_modal_projector.")
    tensors.parameter("query", _queries(config), width)
    crossing = tensors.below("cross_attn.")
    for name in ("q_proj", "k_proj", "v_proj"):
        crossing.linear(name, width, width, bias=False)
    crossing.parameter("multihead_attn.in_proj_weight", 3 * width, width)
    crossing.parameter("multihead_attn.in_proj_bias", 3 * width)
    crossing.linear("multihead_attn.out_proj", width, width)
    crossing.linear("linear", width, width)
    crossing.norm("layer_norm", width)
    crossing.norm("layer_norm_kv", width)
    tensors.norm("layer_norm", width)
    feed_forward = tensors.below("feed_forward.")
    feed_forward.pair("linear_in", "linear_out", text.hidden_size, text.hidden_size, width, bias=False)
    parts = [tower_component("vision", vision, "vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)


def _queries(config: Config) -> int:
    """Most queries that `projector_patch_to_query_dict` has for any number of patches."""
    counts = config.get("projector_patch_to_query_dict")
    if counts is None:
        return _QUERIES
    numbers = list(counts.values()) if isinstance(counts, dict) else []
    if not numbers or not all(isinstance(number, int) and 0 < number < 10**6 for number in numbers):
        raise config.wrong("projector_patch_to_query_dict", counts, "numbers of queries by number of patches")
    return int(max(numbers))


@blueprint("aria_text")
def aria_text(config: Config) -> Model:
    """Llama whose every layer routes, the experts stored in two tensors."""
    shape = read_shape(config)
    experts, chosen = config.integer("moe_num_experts"), config.integer("moe_topk")
    shared = config.integer("moe_num_shared_experts")
    bias = {name: config.flag(name) for name in BIASES}
    layers = routed(
        shape,
        (*attention(shape, bias=bias["attention_bias"]), *norms(PRE_NORMS, shape.hidden, shape.dtype)),
        (),
        (
            *router(shape.hidden, experts, shape.dtype, name="mlp.router"),
            *stacked_experts(shape.hidden, shape.intermediate, experts, shape.dtype),
            *shared_experts(shape.hidden, shared * shape.intermediate, shape.dtype, bias=bias["mlp_bias"]),
        ),
        Routing(experts, chosen, shared),
        sparse=[True] * shape.layers,
        windows=[None] * shape.layers,
    )
    return decoder(config, shape, layers)
