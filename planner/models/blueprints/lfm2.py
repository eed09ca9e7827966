"""LFM2, LFM2-MoE (arXiv 2511.23404) and LFM3: gated short convolutions with attention in between."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router
from planner.models.parts.layer_types import FULL, SLIDING, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor

NAMES = ("w1", "w3", "w2")


@blueprint("lfm2")
def lfm2(config: Config) -> Model:
    """The feed-forward layer is narrowed to two thirds and rounded up, unless the config says otherwise."""
    shape = read_shape(config, intermediate=_adjusted_width(config))
    full = config.integers("full_attn_idxs", default=list(range(shape.layers)))
    kinds = layer_types(config, shape.layers, [FULL if index in full else "conv" for index in range(shape.layers)])
    return _model(config, shape, kinds, _dense(shape), 0, ())


@blueprint("lfm2_moe")
def lfm2_moe(config: Config) -> Model:
    """All but the first `num_dense_layers` route."""
    shape = read_shape(config)
    experts, width = config.integer("num_experts"), config.integer("moe_intermediate_size")
    bias = (correction_bias("feed_forward.expert_bias", experts),) if config.flag("use_expert_bias") else ()
    routed = (
        *router(shape.hidden, experts, shape.dtype, name="feed_forward.gate"),
        *bias,
        *routed_experts(shape.hidden, width, experts, shape.dtype, name="feed_forward.experts.*", names=NAMES),
    )
    kinds = layer_types(config, shape.layers, ["conv"] * shape.layers)
    return _model(config, shape, kinds, _dense(shape), experts, routed)


@blueprint("lfm3")
def lfm3(config: Config) -> Model:
    """Sliding and full attention in turn, gated a head; norms after each part."""
    shape = read_shape(config)
    habit = [
        FULL if index % 4 == 2 else SLIDING if index and index % 4 == 0 else "conv" for index in range(shape.layers)
    ]
    after = ["post_operator_norm", "post_ffn_norm"] if config.flag("use_sandwich_norm") else []
    mixer = attention(shape, bias=config.flag("attention_bias"), head_norms=True)
    if config.flag("use_attention_gate"):
        mixer += linear(
            "self_attn.gate_proj", shape.heads, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN,
            units=shape.heads,
        )  # fmt: skip
    common = (*_dense(shape), *norms(["operator_norm", "ffn_norm", *after], shape.hidden, shape.dtype))
    window = config.integer("sliding_window")

    def make(kind: str) -> Layer:
        if kind == "conv":
            tensors, state = _short_convolution(config, shape)
            return Layer((*tensors, *common), state=state)
        return Layer((*mixer, *common), shape.attention(window if kind == SLIDING else None))

    layers = layers_of(layer_types(config, shape.layers, habit), make)
    return decoder(config, shape, layers, tied=True, final="embedding_norm")


def _adjusted_width(config: Config) -> int:
    width = config.integer("block_ff_dim", "intermediate_size")
    if not config.flag("block_auto_adjust_ff_dim", default=True):
        return width
    width = 2 * width // 3
    if "block_ffn_dim_multiplier" in config:
        multiple = config.integer("block_multiple_of")
        width = int(config.number("block_ffn_dim_multiplier") * width)
        width = -(-width // multiple) * multiple
    return width


def _dense(shape: Shape) -> tuple[Tensor, ...]:
    return gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name="feed_forward", names=NAMES)


def _short_convolution(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], RecurrentState]:
    hidden, kernel, bias = shape.hidden, config.integer("conv_L_cache"), config.flag("conv_bias")
    channel = Tensor("conv.conv.weight", (hidden, 1, kernel), shape.dtype, Role.SSM, Split.COLUMN)
    channel_bias = Tensor("conv.conv.bias", (hidden,), shape.dtype, Role.SSM, Split.COLUMN)
    tensors = (
        *(
            tensor
            for part in "bcx"
            for tensor in linear(
                "conv.in_proj", hidden, hidden, shape.dtype, Role.SSM, Split.COLUMN, bias=bias, part=part
            )
        ),
        channel,
        *((channel_bias,) if bias else ()),
        *linear("conv.out_proj", hidden, hidden, shape.dtype, Role.SSM, Split.ROW, bias=bias),
    )
    return tensors, RecurrentState(0, hidden, kernel, hidden, StateKind.SHORT_CONVOLUTION)


def _model(
    config: Config, shape: Shape, kinds: list[str], dense: tuple[Tensor, ...], experts: int, routed: tuple[Tensor, ...]
) -> Model:
    first = config.integer("num_dense_layers", least=0) if experts else shape.layers
    norm_names = ("q_layernorm", "k_layernorm")
    mixer = attention(shape, names=Projections(output="out_proj"), head_norms=True, norm_names=norm_names)

    def make(kind: tuple[str, bool]) -> Layer:
        mixes, routes = kind
        routing = Routing(experts, config.integer("num_experts_per_tok")) if routes else None
        common = (*(routed if routes else dense), *norms(["operator_norm", "ffn_norm"], shape.hidden, shape.dtype))
        if mixes == FULL:
            return Layer((*mixer, *common), shape.attention(), routing=routing)
        tensors, state = _short_convolution(config, shape)
        return Layer((*tensors, *common), state=state, routing=routing)

    layers = layers_of(((kind, index >= first) for index, kind in enumerate(kinds)), make)
    tied = config.flag("tie_embedding", "tie_word_embeddings", default=True)
    return decoder(config, shape, layers, tied=tied, tie_field="", final="embedding_norm")
