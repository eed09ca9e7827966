"""BLOOM (arXiv 2211.05100): ALiBi positions and a norm of the embedding."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import read_shape


@blueprint("bloom")
def bloom(config: Config) -> Model:
    """Biases everywhere; the head is tied."""
    hidden = config.integer("hidden_size", "n_embed")
    shape = read_shape(config, intermediate=4 * hidden)
    names = Projections(output="dense")
    tensors = (
        *attention(shape, name="self_attention", names=names, fused="query_key_value", bias=True),
        *plain_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            up="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h", bias=True,
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers), tied=True,
        prefix="transformer.", table="word_embeddings", stack="h", final="ln_f", norm_bias=True,
        extra=norm("transformer.word_embeddings_layernorm", shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
