"""gpt-oss (arXiv 2508.10925): experts in MXFP4, attention sinks, every other layer slides."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norms
from planner.models.parts.shape import read_shape
from planner.models.parts.windows import layer_windows
from planner.models.tensor import Role, Split, Tensor


@blueprint("gpt_oss")
def gpt_oss(config: Config) -> Model:
    """Biases everywhere, also on the experts; one learned sink a head."""
    shape = read_shape(config, head_dim=config.integer("head_dim", default=64))
    experts, chosen = (
        config.integer("num_local_experts", "num_experts"),
        config.integer("num_experts_per_tok"),
    )
    tensors = (
        *attention(shape, bias=config.flag("attention_bias", default=True)),
        Tensor("self_attn.sinks", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *router("mlp.router", shape.hidden, experts, shape.dtype, bias=True),
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            name="mlp.experts", role=Role.EXPERT, bias=True, experts=experts, fused="gate_up_proj",
        ),
        *norms(["input_layernorm", "post_attention_layernorm"], shape.hidden, shape.dtype),
    )  # fmt: skip
    windows = layer_windows(config, shape.layers, every=2)
    routing = Routing(experts, chosen)
    kinds = {window: Layer(tensors, shape.attention(window), routing=routing) for window in dict.fromkeys(windows)}
    return decoder(config, shape, [kinds[window] for window in windows])
