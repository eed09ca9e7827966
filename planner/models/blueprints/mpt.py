"""MPT (MosaicML): ALiBi positions, no biases."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import Projections, attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import plain_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape


@blueprint("mpt")
def mpt(config: Config) -> Model:
    """As transformers builds it: four times as wide inside, no biases, whatever the config says."""
    hidden = config.integer("d_model", "hidden_size")
    shape = read_shape(config, intermediate=4 * hidden)
    tensors = (
        *attention(shape, name="attn", names=Projections(output="out_proj"), fused="Wqkv"),
        *plain_mlp(shape.hidden, shape.intermediate, shape.dtype, up="ffn.up_proj", down="ffn.down_proj"),
        *norms(["norm_1", "norm_2"], shape.hidden, shape.dtype),
    )
    return decoder(
        config, shape, windowed(shape, tensors, [None] * shape.layers), tied=True,
        prefix="transformer.", table="wte", stack="blocks", final="norm_f",
    )  # fmt: skip
