"""Zamba (arXiv 2405.16712) and Zamba2 (2411.15242): Mamba layers and a transformer block that they share."""

from dataclasses import replace
from math import ceil

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.linear import linear
from planner.models.parts.mamba2 import Mamba2
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor

_OLD_NAMES = {"mamba": "linear_attention"}


@blueprint("zamba")
def zamba(config: Config) -> Model:
    """One shared block: the first hybrid layer stores it, every hybrid layer has a cache for it."""
    shape, wide = _shape(config)
    tensors, state = _grouped_mamba(config, shape)
    mixer = (*tensors, *norms(["input_layernorm"], shape.hidden, shape.dtype))
    habit = ["linear_attention", "linear_attention", "hybrid"]
    period, offset = config.integer("attn_layer_period"), config.integer("attn_layer_offset", least=0)
    habit += ["hybrid" if index % period == offset else "linear_attention" for index in range(shape.layers - 3)]
    name = "shared_transf"
    block = (
        *_shared_attention(shape, wide, name),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name=f"{name}.feed_forward"),
    )
    return _model(config, shape, wide, habit, mixer, state, [block])


@blueprint("zamba2")
def zamba2(config: Config) -> Model:
    """`num_mem_blocks` shared blocks take turns; low-rank adapters tell their uses apart."""
    shape, wide = _shape(config)
    inner = int(config.number("mamba_expand") * shape.hidden)
    heads = config.integer("n_mamba_heads")
    mamba = Mamba2(
        heads=heads,
        head_dim=inner // heads,
        state=config.integer("mamba_d_state"),
        groups=config.integer("mamba_ngroups"),
        kernel=config.integer("mamba_d_conv"),
        bias=config.flag("add_bias_linear"),
        conv_bias=True,
    )
    mixer = (
        *mamba.tensors(shape.hidden, shape.dtype, name="mamba"),
        *norms(["input_layernorm"], shape.hidden, shape.dtype),
    )
    habit = ["linear_attention", *(["linear_attention"] * 5 + ["hybrid"]) * 7, *["linear_attention"] * 4, "hybrid"]
    habit += ["linear_attention"] * 3 + ["hybrid"] + ["linear_attention"] * 2
    uses = _kinds(config, shape, habit).count("hybrid")
    count = config.integer("num_mem_blocks")
    blocks = [
        _zamba2_block(config, shape, wide, [use for use in range(uses) if use % count == i]) for i in range(count)
    ]
    return _model(config, shape, wide, habit, mixer, mamba.memory(), blocks, name="shared_transformer")


def _shape(config: Config) -> tuple[Shape, int]:
    """Return the dimensions, and the width of attention: twice that of the model."""
    hidden = config.integer("hidden_size")
    shape = read_shape(config, head_dim=1, intermediate=config.integer("intermediate_size", default=4 * hidden))
    wide = config.integer("attention_hidden_size", default=2 * hidden)
    dim = config.integer("attention_head_dim", default=2 * hidden // shape.heads)
    return replace(shape, head_dim=dim), wide


def _kinds(config: Config, shape: Shape, habit: list[str]) -> list[str]:
    if "layers_block_type" in config:
        return [_OLD_NAMES.get(name, name) for name in config.texts("layers_block_type", length=shape.layers)]
    return habit[: shape.layers]


def _model(
    config: Config, shape: Shape, wide: int, habit: list[str], mixer: tuple[Tensor, ...], state: RecurrentState,
    blocks: list[tuple[Tensor, ...]], name: str = "shared_transf",
) -> Model:  # fmt: skip
    plain = Layer(mixer, state=state)
    inside = tuple(tensor.with_prefix("mamba_decoder.") for tensor in mixer)
    hybrid = (*inside, *linear("linear", shape.hidden, shape.hidden, shape.dtype, Role.OTHER))
    again = Layer(hybrid, shape.attention(), state)
    layers, stored = [], 0
    for kind in _kinds(config, shape, habit):
        if kind != "hybrid":
            layers.append(plain)
        elif stored < len(blocks):
            own = (
                *blocks[stored],
                *norm(f"{name}.input_layernorm", wide, shape.dtype),
                *norm(f"{name}.pre_ff_layernorm", shape.hidden, shape.dtype),
            )
            layers.append(Layer((*own, *hybrid), shape.attention(), state))
            stored += 1
        else:
            layers.append(again)
    return decoder(config, shape, layers, tied=True, final="final_layernorm")


def _shared_attention(shape: Shape, wide: int, name: str) -> tuple[Tensor, ...]:
    own = attention(replace(shape, hidden=wide), name=f"{name}.self_attn")
    output = linear(
        f"{name}.self_attn.o_proj", shape.hidden, shape.heads * shape.head_dim, shape.dtype, Role.ATTENTION, Split.ROW,
        units=shape.heads,
    )  # fmt: skip
    return (*(tensor for tensor in own if "o_proj" not in tensor.name), *output)


def _zamba2_block(config: Config, shape: Shape, wide: int, uses: list[int]) -> tuple[Tensor, ...]:
    name, rank, dtype = "shared_transformer", config.integer("adapter_rank"), shape.dtype
    feed_forward = f"{name}.feed_forward"
    tensors = (
        *_shared_attention(shape, wide, name),
        *gated_mlp(
            shape.hidden, shape.intermediate, dtype, name=feed_forward, fused="gate_up_proj",
            bias=config.flag("add_bias_linear"),
        ),
    )  # fmt: skip

    def adapter(place: str, outputs: int, inputs: int) -> tuple[Tensor, ...]:
        return (
            *linear(f"{place}.0", rank, inputs, dtype, Role.OTHER),
            *linear(f"{place}.1", outputs, rank, dtype, Role.OTHER),
        )

    for use in uses:
        tensors += adapter(f"{feed_forward}.gate_up_proj_adapter_list.{use}", 2 * shape.intermediate, shape.hidden)
        if config.flag("use_shared_attention_adapter"):
            for letter in "qkv":
                tensors += adapter(f"{name}.self_attn.linear_{letter}_adapter_list.{use}", wide, wide)
    return tensors


def _grouped_mamba(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], RecurrentState]:
    """Return the Mamba mixer of Zamba: `n_mamba_heads` groups with step-size projections of their own."""
    inner, heads = config.integer("mamba_expand") * shape.hidden, config.integer("n_mamba_heads")
    state, kernel, dim = config.integer("mamba_d_state"), config.integer("mamba_d_conv"), inner // heads
    rank_given = config.get("mamba_dt_rank", default="auto")
    rank = ceil(shape.hidden / 16) if rank_given == "auto" else config.integer("mamba_dt_rank")
    bias, dtype, name = config.flag("mamba_proj_bias"), shape.dtype, "mamba"

    def own(leaf: str, *sizes: int) -> Tensor:
        return Tensor(f"{name}.{leaf}", sizes, dtype, Role.SSM, Split.COLUMN)

    tensors = (
        *linear(f"{name}.in_proj", 2 * inner, shape.hidden, dtype, Role.SSM, Split.COLUMN, bias=bias),
        own("conv1d.weight", inner, 1, kernel),
        *((own("conv1d.bias", inner),) if config.flag("mamba_conv_bias", default=True) else ()),
        own("x_proj_weight", heads, rank + 2 * state, dim),
        own("dt_proj_weight", heads, dim, rank),
        own("dt_proj_bias", heads, dim),
        own("A_log", heads, dim, state),
        own("D", heads, dim),
        *linear(f"{name}.out_proj", shape.hidden, inner, dtype, Role.SSM, Split.ROW, bias=bias),
    )
    return tensors, RecurrentState(inner * state, inner, kernel, heads, StateKind.MAMBA)
