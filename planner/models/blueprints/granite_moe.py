"""Granite 3 mixture of experts and Granite 4 (IBM): fused expert matrices, Mamba 2 in the hybrid."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.bamba import mamba2_of
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router, stacked_experts
from planner.models.parts.layer_types import FULL, first_of, layer_types, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("granitemoe")
def granitemoe(config: Config) -> Model:
    """Granite 3.0 A400M, A800M: every layer routes."""
    shape = read_shape(config)
    return _attending(config, shape, _experts(config, shape))


@blueprint("granitemoeshared")
def granitemoeshared(config: Config) -> Model:
    """A shared feed-forward layer beside the experts, `shared_intermediate_size` wide."""
    shape = read_shape(config)
    shared = config.integer("shared_intermediate_size", least=0)
    beside = _shared(shape, shared) if shared else ()
    return _attending(config, shape, (*_experts(config, shape), *beside), shared=1 if shared else 0)


@blueprint("granitemoe_swa")
def granitemoe_swa(config: Config) -> Model:
    """Sliding windows and attention sinks; the first of four layers is full."""
    shape = read_shape(config)
    experts = config.integer("num_local_experts")
    tensors = (
        Tensor("self_attn.sinks", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *router(shape.hidden, experts, shape.dtype, name="block_sparse_moe.router"),
        *stacked_experts(shape.hidden, shape.intermediate, experts, shape.dtype, name="block_sparse_moe.experts"),
    )
    return _attending(config, shape, tensors, first_of(4, shape.layers))


@blueprint("granitemoehybrid")
def granitemoehybrid(config: Config) -> Model:
    """Granite 4: mostly Mamba 2 layers; without experts when `num_local_experts` is 0."""
    shape = read_shape(config, intermediate=config.integer("intermediate_size", default=1))
    mixer = mamba2_of(config, config.integer("mamba_expand") * shape.hidden)
    experts = config.integer("num_local_experts", least=0)
    common = (
        *(_experts(config, shape) if experts else ()),
        *_shared(shape, config.integer("shared_intermediate_size")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    routing = Routing(experts, config.integer("num_experts_per_tok"), 1) if experts else None

    def make(kind: str) -> Layer:
        if kind == FULL:
            tensors = (*attention(shape, bias=config.flag("attention_bias")), *common)
            return Layer(tensors, shape.attention(), routing=routing)
        tensors = (*mixer.tensors(shape.hidden, shape.dtype, name="mamba"), *common)
        return Layer(tensors, state=mixer.memory(), routing=routing)

    kinds = layer_types(config, shape.layers, ["linear_attention"] * shape.layers)
    return decoder(config, shape, layers_of(kinds, make))


def _attending(
    config: Config, shape: Shape, feed_forward: tuple[Tensor, ...], habit: list[str] | None = None, shared: int = 0
) -> Model:
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *feed_forward,
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    routing = Routing(config.integer("num_local_experts"), config.integer("num_experts_per_tok"), shared)
    windows = layer_windows(config, shape.layers, habit)
    layers = layers_of(windows, lambda window: Layer(tensors, shape.attention(window), routing=routing))
    return decoder(config, shape, layers)


def _experts(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    count, name = config.integer("num_local_experts"), "block_sparse_moe"
    return (
        *router(shape.hidden, count, shape.dtype, name=f"{name}.router.layer"),
        *_glu(shape, shape.intermediate, name, Role.EXPERT, count),
    )


def _shared(shape: Shape, width: int) -> tuple[Tensor, ...]:
    return _glu(shape, width, "shared_mlp", Role.SHARED_EXPERT)


def _glu(shape: Shape, width: int, name: str, role: Role, experts: int = 0) -> tuple[Tensor, ...]:
    """Return gate and up in one matrix `input_linear`, and `output_linear`."""
    wide, dtype = Split.COLUMN, shape.dtype
    return (
        *linear(f"{name}.input_linear", width, shape.hidden, dtype, role, wide, experts=experts, part="gate"),
        *linear(f"{name}.input_linear", width, shape.hidden, dtype, role, wide, experts=experts, part="up"),
        *linear(f"{name}.output_linear", shape.hidden, width, dtype, role, Split.ROW, experts=experts),
    )
