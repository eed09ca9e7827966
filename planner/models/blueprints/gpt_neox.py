"""GPT-NeoX and Pythia (arXiv 2204.06745)."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("gpt_neox")
def gpt_neox(config: Config) -> Model:
    """Query, key and value in one matrix; LayerNorm; biases in the feed-forward layer always."""
    shape = read_shape(config)
    tensors = (
        *attention(
            shape, name="attention", names=Projections(output="dense"), fused="query_key_value",
            bias=config.flag("attention_bias", default=True),
        ),
        *plain_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            up="mlp.dense_h_to_4h", down="mlp.dense_4h_to_h", bias=True,
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype, bias=True),
    )  # fmt: skip
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers),
        prefix="gpt_neox.", table="embed_in", final="final_layer_norm", norm_bias=True, head="embed_out",
    )  # fmt: skip
