"""BitNet b1.58 (arXiv 2504.12285): norms inside attention and feed-forward layer."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import windowed
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import read_shape


@blueprint("bitnet")
def bitnet(config: Config) -> Model:
    """Counted with one element a weight; the checkpoint packs four ternary weights into a byte."""
    shape = read_shape(config)
    tensors = (
        *attention(shape, bias=config.flag("attention_bias")),
        *norm("self_attn.attn_sub_norm", shape.hidden, shape.dtype),
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norm("mlp.ffn_sub_norm", shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    return decoder(config, shape, windowed(shape, tensors, [None] * shape.layers))
