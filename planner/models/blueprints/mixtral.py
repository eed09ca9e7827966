"""Mixtral (arXiv 2401.04088): Mistral with eight experts in each layer."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router
from planner.models.parts.linear import linear
from planner.models.parts.norm import norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.parts.windows import layer_windows
from planner.models.tensor import Role, Split, Tensor


def _experts(shape: Shape, experts: int) -> tuple[Tensor, ...]:
    """w1 is the gate, w3 the way up, w2 the way down."""
    name, wide, dtype = "block_sparse_moe.experts.*", shape.intermediate, shape.dtype
    return (
        *linear(f"{name}.w1", wide, shape.hidden, dtype, Role.EXPERT, Split.COLUMN, experts=experts),
        *linear(f"{name}.w3", wide, shape.hidden, dtype, Role.EXPERT, Split.COLUMN, experts=experts),
        *linear(f"{name}.w2", shape.hidden, wide, dtype, Role.EXPERT, Split.ROW, experts=experts),
    )


@blueprint("mixtral")
def mixtral(config: Config) -> Model:
    """Every layer routes each token to a few of its experts."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_local_experts"), config.integer("num_experts_per_tok")
    tensors = (
        *attention(shape),
        *router("block_sparse_moe.gate", shape.hidden, experts, shape.dtype),
        *_experts(shape, experts),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )
    (window, *_) = layer_windows(config, shape.layers)
    layer = Layer(tensors, shape.attention(window), routing=Routing(experts, chosen))
    return decoder(config, shape, [layer] * shape.layers)
