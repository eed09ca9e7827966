"""Qwen3-Next and the text of Qwen3.5 and 3.6: three gated delta nets to one gated attention layer."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen_moe import sparse_layers
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.delta_net import gated_delta_net
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import FULL, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("qwen3_next")
def qwen3_next(config: Config) -> Model:
    """Many small experts beside a gated shared one; the checkpoint has each expert by itself."""
    shape = read_shape(config)
    return _model(config, shape, sparse_layers(config, shape.layers), fused=True)


@blueprint("qwen3_5_text")
def qwen3_5_text(config: Config) -> Model:
    """Qwen3.5 dense."""
    shape = read_shape(config)
    return _model(config, shape, [False] * shape.layers, fused=False)


@blueprint("qwen3_5_moe_text")
def qwen3_5_moe_text(config: Config) -> Model:
    """Qwen3.5 mixture of experts: every layer routes."""
    shape = read_shape(config, intermediate=0)
    return _model(config, shape, [True] * shape.layers, fused=False)


def _model(config: Config, shape: Shape, sparse: list[bool], *, fused: bool) -> Model:
    common = norms(PRE_NORMS, shape.hidden, shape.dtype)

    def make(kind: tuple[str, bool]) -> Layer:
        mixer, routes = kind
        feed_forward, routing = routed_with_shared(config, shape) if routes else (_dense(shape), None)
        if mixer == FULL:
            return Layer((*gated_attention(config, shape), *feed_forward, *common), shape.attention(), routing=routing)
        tensors, state = gated_delta_net(config, shape.hidden, shape.dtype, fused=fused)
        return Layer((*tensors, *feed_forward, *common), state=state, routing=routing)

    step = config.integer("full_attention_interval", default=4)
    habit = ["linear_attention" if (index + 1) % step else FULL for index in range(shape.layers)]
    layers = layers_of(zip(layer_types(config, shape.layers, habit), sparse, strict=True), make)
    return decoder(config, shape, layers)


def gated_attention(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return attention whose query projection also makes a gate for every element of the output."""
    plain = attention(shape, bias=config.flag("attention_bias"), head_norms=True)
    wide = linear(
        "self_attn.q_proj", 2 * shape.heads * shape.head_dim, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN,
        bias=config.flag("attention_bias"), units=shape.heads,
    )  # fmt: skip
    return (*wide, *(tensor for tensor in plain if not tensor.name.startswith("self_attn.q_proj")))


def _dense(shape: Shape) -> tuple[Tensor, ...]:
    return gated_mlp(shape.hidden, shape.intermediate, shape.dtype)


def routed_with_shared(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], Routing]:
    """Return many small experts beside a gated shared one."""
    experts, chosen = config.integer("num_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("shared_expert_intermediate_size")
    tensors = moe(
        shape.hidden, width, experts, shape.dtype, shared=shared, shared_name="shared_expert", shared_gate=True
    )  # fmt: skip
    return tensors, Routing(experts, chosen, 1)
