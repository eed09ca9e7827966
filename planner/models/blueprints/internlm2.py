"""InternLM2 (arXiv 2403.17297): Llama under other names, query, key and value in one matrix."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("internlm2")
def internlm2(config: Config) -> Model:
    """`bias` holds for the attention layer."""
    shape = read_shape(config)
    tensors = (
        *attention(
            shape, name="attention", names=Projections(output="wo"), fused="wqkv", bias=config.flag("bias")
        ),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name="feed_forward", names=("w1", "w3", "w2")),
        *norms(["attention_norm", "ffn_norm"], shape.hidden, shape.dtype),
    )  # fmt: skip
    layers = windowed(shape, tensors, [None] * shape.layers)
    return decoder(config, shape, layers, table="tok_embeddings", head="output")
