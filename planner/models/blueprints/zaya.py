"""ZAYA1 (Zyphra, arXiv 2511.17127): attention in a compressed space behind short convolutions, a router of layers."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, stacked_experts
from planner.models.parts.layer_types import layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("zaya")
def zaya(config: Config) -> Model:
    """One output of the router stands for no expert; all layers but the first scale what the router before said."""
    shape = read_shape(config, intermediate=0)
    experts, dtype = config.integer("num_experts", "num_local_experts"), shape.dtype
    width = config.integer("moe_intermediate_size")
    mixer, state = _compressed_attention(config, shape)
    common = (
        *mixer,
        *stacked_experts(shape.hidden, width, experts, dtype),
        *norms(PRE_NORMS, shape.hidden, dtype),
        *_scaling(shape, "post_attention_residual_scale", ("hidden_states", "residual")),
        *_scaling(shape, "post_mlp_residual_scale", ("hidden_states", "residual")),
    )
    routing = Routing(experts, config.integer("num_experts_per_tok"))

    def make(kind: tuple[bool, int | None]) -> Layer:
        first, window = kind
        tensors = (*common, *_router(config, shape, experts + 1, first=first))
        return Layer(tensors, shape.attention(window), state, routing)

    windows = layer_windows(config, shape.layers)
    layers = layers_of(((index == 0, window) for index, window in enumerate(windows)), make)
    extra = _scaling(shape, "model.input", ("hidden_states",))
    return decoder(config, shape, layers, extra=extra, head_bias=config.flag("lm_head_bias"))


def _compressed_attention(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], RecurrentState]:
    """Return projections and the two convolutions of queries and keys, whose last columns a sequence keeps."""
    name, dtype, bias = "self_attn.qkv_proj", shape.dtype, config.flag("attention_bias")
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    first, second = config.integer("cca_time0"), config.integer("cca_time1")

    def project(target: str, outputs: int) -> tuple[Tensor, ...]:
        return linear(f"{name}.{target}", outputs, shape.hidden, dtype, Role.ATTENTION, bias=bias)

    mixed = queries + keys
    tensors = (
        *project("q_proj", queries),
        *project("k_proj", keys),
        *project("v_proj_current", keys // 2),
        *project("v_proj_delayed", keys // 2),
        Tensor(f"{name}.conv_qk_depthwise.weight", (mixed, 1, first), dtype, Role.ATTENTION),
        Tensor(f"{name}.conv_qk_depthwise.bias", (mixed,), dtype, Role.ATTENTION),
        Tensor(f"{name}.conv_qk_grouped.weight", (mixed, shape.head_dim, second), dtype, Role.ATTENTION),
        Tensor(f"{name}.conv_qk_grouped.bias", (mixed,), dtype, Role.ATTENTION),
        Tensor("self_attn.qk_norm.temp", (shape.kv_heads,), dtype, Role.ATTENTION),
        *linear(
            "self_attn.o_proj", shape.hidden, queries, dtype, Role.ATTENTION, Split.ROW, bias=bias, units=shape.heads
        ),
    )
    return tensors, RecurrentState(keys // 2, mixed, first + second - 1, kind=StateKind.SHORT_CONVOLUTION)


def _router(config: Config, shape: Shape, ways: int, *, first: bool) -> tuple[Tensor, ...]:
    width, dtype, name = config.integer("router_hidden_size"), shape.dtype, "mlp.gate"
    return (
        *linear(f"{name}.down_proj", width, shape.hidden, dtype, Role.ROUTER, bias=True),
        *norm(f"{name}.router_mlp.norm", width, dtype),
        *linear(f"{name}.router_mlp.fc1", width, width, dtype, Role.ROUTER, bias=True),
        *linear(f"{name}.router_mlp.fc2", width, width, dtype, Role.ROUTER, bias=True),
        *linear(f"{name}.router_mlp.out_proj", ways, width, dtype, Role.ROUTER),
        correction_bias(f"{name}.balancing_biases", ways),
        *(() if first else (Tensor(f"{name}.router_states_scale", (width,), dtype, Role.ROUTER),)),
    )


def _scaling(shape: Shape, name: str, parts: tuple[str, ...]) -> tuple[Tensor, ...]:
    joint = "_" if name.startswith("model.") else "."
    return tuple(
        Tensor(f"{name}{joint}{part}_{leaf}", (shape.hidden,), shape.dtype, Role.OTHER)
        for part in parts
        for leaf in ("scale", "bias")
    )
