"""Apertus (arXiv 2509.14233): xIELU feed-forward layers with two learned numbers each."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Kind, Role, Tensor


@blueprint("apertus")
def apertus(config: Config) -> Model:
    """Norms of query and key; the activation stores two parameters and two constants."""
    shape = read_shape(config)
    activation = "mlp.act_fn"
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms=True),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *(Tensor(f"{activation}.{name}", (1,), shape.dtype, Role.MLP) for name in ("alpha_p", "alpha_n")),
        *(Tensor(f"{activation}.{name}", (), shape.dtype, Role.MLP, kind=Kind.BUFFER) for name in ("beta", "eps")),
        *norms(["attention_layernorm", "feedforward_layernorm"], shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
