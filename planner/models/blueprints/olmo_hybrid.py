"""OLMo Hybrid: three gated delta nets to one OLMo 2 attention layer."""

from planner.models.attention import RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.blueprints.olmo import POST_NORMS
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layer_types import FULL, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("olmo_hybrid")
def olmo_hybrid(config: Config) -> Model:
    """The delta net has a matrix for each of its projections, and norms before each part."""
    shape = read_shape(config)
    feed_forward = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
    attending = Layer(
        (
            *attention(shape, bias=config.flag("attention_bias"), head_norms="whole"),
            *feed_forward,
            *norms(POST_NORMS, shape.hidden, shape.dtype),
        ),
        shape.attention(),
    )
    tensors, state = _delta_net(config, shape)
    linear_norms = norms(["attention_layer_norm", "feedforward_layer_norm"], shape.hidden, shape.dtype)
    recurrent = Layer((*tensors, *feed_forward, *linear_norms), state=state)
    habit = [FULL if index % 4 == 3 else "linear_attention" for index in range(shape.layers)]
    if FULL not in habit:
        habit[-1] = FULL
    kinds = layer_types(config, shape.layers, habit)
    return decoder(config, shape, layers_of(kinds, lambda kind: attending if kind == FULL else recurrent))


def _delta_net(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], RecurrentState]:
    keys = config.integer("linear_num_key_heads", default=shape.heads)
    values = config.integer("linear_num_value_heads", default=shape.heads)
    key_dim = config.integer("linear_key_head_dim", default=int(0.75 * shape.hidden / keys))
    value_dim = config.integer("linear_value_head_dim", default=2 * key_dim)
    kernel, name, dtype = config.integer("linear_conv_kernel_dim", default=4), "linear_attn", shape.dtype
    key, value = keys * key_dim, values * value_dim

    def project(letter: str, outputs: int, units: int) -> tuple[Tensor, ...]:
        return linear(f"{name}.{letter}_proj", outputs, shape.hidden, dtype, Role.SSM, Split.COLUMN, units=units)

    widths = (("q", key, keys), ("k", key, keys), ("v", value, values))
    tensors = (
        *(tensor for letter, width, heads in widths for tensor in project(letter, width, heads)),
        *(tensor for letter in "ab" for tensor in project(letter, values, values)),
        *project("g", value, values),
        *(
            Tensor(f"{name}.{letter}_conv1d.weight", (width, 1, kernel), dtype, Role.SSM, Split.COLUMN, heads)
            for letter, width, heads in widths
        ),
        *(Tensor(f"{name}.{leaf}", (values,), dtype, Role.SSM, Split.COLUMN, values) for leaf in ("A_log", "dt_bias")),
        *norm(f"{name}.o_norm", value_dim, dtype),
        *linear(f"{name}.o_proj", shape.hidden, value, dtype, Role.SSM, Split.ROW, units=values),
    )
    state = RecurrentState(value * key_dim, 2 * key + value, kernel, values, StateKind.GATED_DELTA_NET, keys)
    return tensors, state
