"""EXAONE 3 and 3.5 (arXiv 2408.03541): Llama under names of its own."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("exaone")
def exaone(config: Config) -> Model:
    """Attention lies one level deeper than the feed-forward layer."""
    shape = read_shape(config)
    tensors = (
        *attention(
            shape, name="attn.attention", names=Projections(output="out_proj"), bias=config.flag("attention_bias")
        ),
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            names=("c_fc_0", "c_fc_1", "c_proj"), bias=config.flag("mlp_bias"),
        ),
        *norms(["ln_1", "ln_2"], shape.hidden, shape.dtype),
    )  # fmt: skip
    layers = windowed(shape, tensors, [None] * shape.layers)
    return decoder(config, shape, layers, prefix="transformer.", table="wte", stack="h", final="ln_f")
