"""DeepSeek-V3 and R1 (arXiv 2412.19437): latent attention, shared and routed experts, dense first layers."""

from planner.models.attention import Attention
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Component, Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router, shared_experts
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("deepseek_v3")
def deepseek_v3(config: Config) -> Model:
    """The first `first_k_dense_replace` layers are dense; the multi-token-prediction layer is counted apart."""
    shape = read_shape(config, head_dim=config.integer("v_head_dim"))
    attention_tensors, attention = latent_attention(config, shape.dtype)
    common = (
        *attention_tensors,
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )
    dense = Layer((*common, *gated_mlp(shape.hidden, shape.intermediate, shape.dtype)), attention)
    sparse = _sparse_layer(config, shape, common, attention)
    first = min(config.integer("first_k_dense_replace", default=0, least=0), shape.layers)
    layers = [dense] * first + [sparse] * (shape.layers - first)
    predictors = config.integer("num_nextn_predict_layers", default=0, least=0)
    extra = [_predictor(shape, sparse, shape.layers + index) for index in range(predictors)]
    return decoder(config, shape, layers, components=extra)


def _sparse_layer(config: Config, shape: Shape, common: tuple[Tensor, ...], attention: Attention) -> Layer:
    experts, chosen = config.integer("n_routed_experts"), config.integer("num_experts_per_tok")
    shared, width = (
        config.integer("n_shared_experts", default=0, least=0),
        config.integer("moe_intermediate_size"),
    )
    tensors = (
        *common,
        *router("mlp.gate", shape.hidden, experts, shape.dtype),
        correction_bias("mlp.gate.e_score_correction_bias", experts),
        *routed_experts(shape.hidden, width, experts, shape.dtype),
        *(shared_experts(shape.hidden, width * shared, shape.dtype) if shared else ()),
    )
    return Layer(tensors, attention, routing=Routing(experts, chosen, shared))


def _predictor(shape: Shape, layer: Layer, index: int) -> Component:
    """One multi-token-prediction module (section 2.2): a whole layer behind a projection of two inputs."""
    prefix = f"model.layers.{index}."
    tensors = (
        *layer.tensors,
        *norms(["enorm", "hnorm", "shared_head.norm"], shape.hidden, shape.dtype),
        *linear("eh_proj", shape.hidden, 2 * shape.hidden, shape.dtype, Role.OTHER),
        Tensor("embed_tokens.weight", (shape.vocab, shape.hidden), shape.dtype, Role.EMBEDDING, Split.VOCABULARY),
        *linear("shared_head.head", shape.vocab, shape.hidden, shape.dtype, Role.HEAD, Split.VOCABULARY),
    )
    return Component("multi_token_prediction", tuple(t.with_prefix(prefix) for t in tensors), counted=False)
