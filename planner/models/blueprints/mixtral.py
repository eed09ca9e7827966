"""Mixtral (arXiv 2401.04088), Phi-3.5-MoE and MiniMax-M2: experts in every layer, called w1, w2, w3."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router
from planner.models.parts.layer_types import layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor


@blueprint("mixtral")
def mixtral(config: Config) -> Model:
    """Every layer routes each token to a few of its experts."""
    shape = read_shape(config)
    return _model(config, shape, (*attention(shape), *mixtral_experts(config, shape)))


@blueprint("phimoe")
def phimoe(config: Config) -> Model:
    """Phi-3.5-MoE (arXiv 2404.14219): LayerNorm, perhaps a bias on the head."""
    shape = read_shape(config)
    mixer = attention(shape, bias=config.flag("attention_bias"))
    return _model(config, shape, (*mixer, *mixtral_experts(config, shape)), layer_norm=True)


@blueprint("minimax_m2")
def minimax_m2(config: Config) -> Model:
    """MiniMax-M2: norms of query and key over all heads, a load-balancing bias."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, head_norms="whole" if config.flag("use_qk_norm", default=True) else False),
        correction_bias("block_sparse_moe.e_score_correction_bias", config.integer("num_local_experts", "num_experts")),
        *mixtral_experts(config, shape),
    )
    return _model(config, shape, tensors)


def mixtral_experts(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return router and experts: w1 is the gate, w3 the way up, w2 the way down."""
    experts, name = config.integer("num_local_experts", "num_experts"), "block_sparse_moe"
    return (
        *router(shape.hidden, experts, shape.dtype, name=f"{name}.gate"),
        *routed_experts(
            shape.hidden, shape.intermediate, experts, shape.dtype,
            name=f"{name}.experts.*", names=("w1", "w3", "w2"),
        ),
    )  # fmt: skip


def _model(config: Config, shape: Shape, tensors: tuple[Tensor, ...], *, layer_norm: bool = False) -> Model:
    routing = Routing(config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok"))
    tensors += norms(PRE_NORMS, shape.hidden, shape.dtype, bias=layer_norm)
    windows = layer_windows(config, shape.layers)
    layers = layers_of(windows, lambda window: Layer(tensors, shape.attention(window), routing=routing))
    return decoder(config, shape, layers, norm_bias=layer_norm, head_bias=config.flag("lm_head_bias"))
