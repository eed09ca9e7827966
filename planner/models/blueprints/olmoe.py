"""OLMoE (arXiv 2409.02060) and FlexOlmo (2507.07024): many experts in every layer."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.olmo import POST_NORMS
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape


@blueprint("olmoe", "flex_olmo")
def olmoe(config: Config) -> Model:
    """Norms of query and key over all heads; FlexOlmo has its norms after each part."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_tok")
    tensors = (
        *attention(shape, bias=config.flag("attention_bias"), head_norms="whole"),
        *moe(shape.hidden, shape.intermediate, experts, shape.dtype),
        *norms(POST_NORMS if config.model_type == "flex_olmo" else PRE_NORMS, shape.hidden, shape.dtype),
    )
    layer = Layer(tensors, shape.attention(), routing=Routing(experts, chosen))
    return decoder(config, shape, [layer] * shape.layers)
