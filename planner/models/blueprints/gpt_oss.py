"""gpt-oss (arXiv 2508.10925): experts in MXFP4, attention sinks, every other layer slides."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router
from planner.models.parts.layer_types import last_of, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("gpt_oss")
def gpt_oss(config: Config) -> Model:
    """Biases everywhere, also on the experts; one learned sink a head."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok")
    tensors = (
        *attention(shape, bias=config.flag("attention_bias", default=True)),
        Tensor("self_attn.sinks", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads),
        *router(shape.hidden, experts, shape.dtype, name="mlp.router", bias=True),
        *gated_mlp(
            shape.hidden, shape.intermediate, shape.dtype,
            name="mlp.experts", role=Role.EXPERT, bias=True, experts=experts, fused="gate_up_proj", bare=True,
        ),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )  # fmt: skip
    windows = layer_windows(config, shape.layers, last_of(2, shape.layers))
    routing = Routing(experts, chosen)
    layers = layers_of(windows, lambda window: Layer(tensors, shape.attention(window), routing=routing))
    return decoder(config, shape, layers)
