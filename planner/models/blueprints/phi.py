"""Phi-1, 1.5 and 2 (arXiv 2309.05463) and Persimmon: LayerNorm and biases everywhere."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("phi", "phi-msft")
def phi(config: Config) -> Model:
    """Attention and feed-forward layer side by side; the head has a bias. The first files (`phi-msft`) say less."""
    usual = 4 * config.integer("hidden_size", "n_embd")
    shape = read_shape(config, intermediate=config.integer("intermediate_size", "n_inner", default=usual))
    tensors = (
        *attention(
            shape, names=Projections(output="dense"), bias=True, head_norms=config.flag("qk_layernorm"),
            norm_names=("q_layernorm", "k_layernorm"), norm_bias=True,
        ),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="mlp.fc1", down="mlp.fc2", bias=True),
        *norms(["input_layernorm"], shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
    layers = windowed(shape, tensors, [None] * shape.layers)
    return decoder(config, shape, layers, final="final_layernorm", norm_bias=True, head_bias=True)


@blueprint("persimmon")
def persimmon(config: Config) -> Model:
    """Query, key and value in one matrix."""
    shape = read_shape(config)
    tensors = (
        *attention(
            shape, names=Projections(output="dense"), fused="query_key_value", bias=True,
            head_norms=config.flag("qk_layernorm"), norm_names=("q_layernorm", "k_layernorm"), norm_bias=True,
        ),
        *plain_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            up="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h", bias=True,
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
    layers = windowed(shape, tensors, [None] * shape.layers)
    return decoder(config, shape, layers, final="final_layernorm", norm_bias=True)
