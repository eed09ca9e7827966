"""RecurrentGemma (Griffin, arXiv 2402.19427): linear recurrences and local attention."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("recurrent_gemma")
def recurrent_gemma(config: Config) -> Model:
    """`block_types` repeats; the feed-forward layer is half as wide as the config says."""
    hidden, heads = config.integer("hidden_size"), config.integer("num_attention_heads")
    shape = read_shape(config, intermediate=config.integer("intermediate_size") // 2, head_dim=hidden // heads)
    common = (
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name="mlp_block", bias=True),
        *norms(["temporal_pre_norm", "channel_pre_norm"], shape.hidden, shape.dtype),
    )
    window = config.integer("attention_window_size")

    def make(kind: str) -> Layer:
        if kind == "recurrent":
            tensors, state = _recurrence(config, shape)
            return Layer((*tensors, *common), state=state)
        mixer = attention(shape, name="temporal_block", bias=config.flag("attention_bias"), output_bias=True)
        return Layer((*mixer, *common), shape.attention(window))

    pattern = config.texts("block_types")
    if not pattern:
        raise config.missing("block_types", "recurrent and attention, in the order of the layers")
    layers = layers_of((pattern[index % len(pattern)] for index in range(shape.layers)), make)
    return decoder(config, shape, layers, tied=True, final="final_norm")


def _recurrence(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], RecurrentState]:
    width, heads, kernel = (
        config.integer("lru_width", default=shape.hidden),
        shape.heads,
        config.integer("conv1d_width"),
    )
    name, dtype, dim = "temporal_block", shape.dtype, width // heads

    def own(leaf: str, *sizes: int) -> Tensor:
        return Tensor(f"{name}.{leaf}", sizes, dtype, Role.SSM, Split.COLUMN)

    gates = [
        own(f"rg_lru.{gate}_gate_{leaf}", *sizes)
        for gate in ("input", "recurrent")
        for leaf, sizes in (("weight", (heads, dim, dim)), ("bias", (heads, dim)))
    ]
    tensors = (
        *linear(f"{name}.linear_y", width, shape.hidden, dtype, Role.SSM, Split.COLUMN, bias=True),
        *linear(f"{name}.linear_x", width, shape.hidden, dtype, Role.SSM, Split.COLUMN, bias=True),
        own("conv_1d.weight", width, 1, kernel),
        own("conv_1d.bias", width),
        own("rg_lru.recurrent_param", width),
        *gates,
        *linear(f"{name}.linear_out", shape.hidden, width, dtype, Role.SSM, Split.ROW, bias=True),
    )
    return tensors, RecurrentState(width, width, kernel, heads, StateKind.LINEAR_RECURRENCE)
