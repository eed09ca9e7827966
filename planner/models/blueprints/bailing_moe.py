"""Ling 1 and 2 (Bailing, arXiv 2503.05139 and 2510.22115), Sarvam: grouped-query attention, many small experts."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Routing
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import dense_first
from planner.models.parts.layers import routed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("bailing_moe", "bailing_moe_v2", "param2moe")
def bailing_moe(config: Config) -> Model:
    """Norms of query and key, and biases, each by a flag (bailing_moe.py of vLLM)."""
    corrected = config.flag("moe_router_enable_expert_bias", default=config.model_type == "param2moe")
    everywhere = config.flag("use_bias")
    return _model(config, everywhere or config.flag("use_qkv_bias"), everywhere, corrected)


@blueprint("sarvam_moe")
def sarvam_moe(config: Config) -> Model:
    """Sarvam-30B: Ling 2 with the router's bias always there."""
    return _model(config, config.flag("attention_bias"), output_bias=False, corrected=True)


def _model(config: Config, bias: bool, output_bias: bool, corrected: bool) -> Model:
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts", "n_routed_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("num_shared_experts", default=0, least=0)
    shared_width = config.integer("moe_shared_expert_intermediate_size", default=width)
    tensors = (
        *attention(
            shape, name="attention", names=Projections(output="dense"), fused="query_key_value", bias=bias,
            output_bias=output_bias, head_norms=config.flag("use_qk_norm"),
            norm_names=("query_layernorm", "key_layernorm"),
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )  # fmt: skip
    layers = routed(
        shape,
        tensors,
        gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("use_bias")),
        moe(
            shape.hidden, width, experts, shape.dtype,
            correction="gate.expert_bias" if corrected else "", shared=shared * shared_width,
        ),
        Routing(experts, chosen, shared),
        sparse=dense_first(config, shape.layers),
        windows=[None] * shape.layers,
    )  # fmt: skip
    return decoder(config, shape, layers, table="word_embeddings")
