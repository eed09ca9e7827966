"""MiniMax-Text-01 and M1 (arXiv 2501.08313): lightning attention in most layers, experts in all."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.blueprints.mixtral import mixtral_experts
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Kind, Role, Split, Tensor


@blueprint("minimax", "minimax_text_01", "minimax_m1")
def minimax(config: Config) -> Model:
    """Lightning attention keeps one matrix a head; `attn_type_list` marks the full layers with 1."""
    shape = read_shape(config)
    habit = ["linear_attention" if index % 2 else FULL for index in range(shape.layers)]
    if "attn_type_list" in config:
        habit = [FULL if kind else "linear_attention" for kind in config.integers("attn_type_list")][: shape.layers]
    routing = Routing(config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok"))
    common = (*mixtral_experts(config, shape), *norms(PRE_NORMS, shape.hidden, shape.dtype))
    wide, heads, dtype, name = shape.heads * shape.head_dim, shape.heads, shape.dtype, "self_attn"
    block = config.integer("block_size", default=256)
    buffers = (
        ("slope_rate", (heads, 1, 1)), ("query_decay", (heads, block, 1)), ("key_decay", (heads, block, 1)),
        ("diagonal_decay", (1, heads, block, block)),
    )  # fmt: skip
    lightning = (
        *(
            tensor
            for part in "qkv"
            for tensor in linear(
                f"{name}.qkv_proj", wide, shape.hidden, dtype, Role.SSM, Split.COLUMN, units=heads, part=part
            )
        ),
        *linear(f"{name}.output_gate", wide, shape.hidden, dtype, Role.SSM, Split.COLUMN, units=heads),
        *norm(f"{name}.norm", wide, dtype),
        *linear(f"{name}.out_proj", shape.hidden, wide, dtype, Role.SSM, Split.ROW, units=heads),
        *(Tensor(f"{name}.{leaf}", sizes, dtype, Role.SSM, kind=Kind.BUFFER) for leaf, sizes in buffers),
    )
    state = RecurrentState(wide * shape.head_dim, 0, 1, heads, StateKind.LIGHTNING)

    def make(kind: str) -> Layer:
        if kind == FULL:
            return Layer((*attention(shape), *common), shape.attention(), routing=routing)
        return Layer((*lightning, *common), state=state, routing=routing)

    return decoder(config, shape, layers_of(layer_types(config, shape.layers, habit), make))
