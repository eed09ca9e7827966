"""DiffLlama (differential attention, arXiv 2410.05258)."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Tensor


@blueprint("diffllama")
def diffllama(config: Config) -> Model:
    """Llama with four learned vectors an attention layer."""
    shape = read_shape(config)
    names = ("lambda_q1", "lambda_k1", "lambda_q2", "lambda_k2")
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *(Tensor(f"self_attn.{name}", (shape.head_dim,), shape.dtype, Role.ATTENTION) for name in names),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
