"""The text of Llama 4: experts beside a shared one, three of four layers see chunks of the context."""

from planner.models.attention import CacheKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router, shared_experts, stacked_experts
from planner.models.parts.layer_types import FULL, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape

CHUNKED = "chunked_attention"


@blueprint("llama4_text")
def llama4_text(config: Config) -> Model:
    """Maverick routes in every other layer; layers with rotary positions attend within chunks."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_local_experts"), config.integer("num_experts_per_tok")
    common = (
        *attention(shape, bias=config.flag("attention_bias")),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )
    routed = (
        *router(shape.hidden, experts, shape.dtype, name="feed_forward.router"),
        *stacked_experts(shape.hidden, shape.intermediate, experts, shape.dtype, name="feed_forward.experts"),
        *shared_experts(shape.hidden, shape.intermediate, shape.dtype, name="feed_forward.shared_expert"),
    )
    dense = gated_mlp(shape.hidden, config.integer("intermediate_size_mlp"), shape.dtype, name="feed_forward")
    chunk = config.integer("attention_chunk_size") if "attention_chunk_size" in config else None

    def make(kind: tuple[bool, str]) -> Layer:
        routes, mixes = kind
        window = chunk if mixes == CHUNKED else None
        cache = shape.attention(window, CacheKind.CHUNKED if window else CacheKind.FULL)
        if routes:
            return Layer((*common, *routed), cache, routing=Routing(experts, chosen, 1))
        return Layer((*common, *dense), cache)

    kinds = zip(_sparse(config, shape), layer_types(config, shape.layers, _habit(config, shape)), strict=True)
    return decoder(config, shape, layers_of(kinds, make))


def _sparse(config: Config, shape: Shape) -> list[bool]:
    step = config.integer("interleave_moe_layer_step", default=1)
    chosen = config.integers("moe_layers", default=list(range(step - 1, shape.layers, step)))
    return [index in chosen for index in range(shape.layers)]


def _habit(config: Config, shape: Shape) -> list[str]:
    interval = config.integer("no_rope_layer_interval", default=4)
    rotary = config.integers("no_rope_layers", default=[])
    rotary = rotary or [int((index + 1) % interval != 0) for index in range(shape.layers)]
    return [CHUNKED if rope else FULL for rope in rotary[: shape.layers]]
