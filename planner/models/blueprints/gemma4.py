"""The text of Gemma 4: wide heads in full layers, keys that serve as values, shared caches, experts."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import stacked_experts
from planner.models.parts.layer_types import FULL, SLIDING, last_of, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import SANDWICH_NORMS, norms
from planner.models.parts.per_layer_embedding import per_layer_embedding, per_layer_input
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Kind, Role, Tensor


@blueprint("gemma4_text", "gemma4_unified_text")
def gemma4_text(config: Config) -> Model:
    """Five of six layers slide; the last `num_kv_shared_layers` read the cache of earlier ones."""
    shape = read_shape(config)
    full = _full_shape(config, shape)
    first_shared = shape.layers - config.integer("num_kv_shared_layers", default=0, least=0, most=shape.layers)
    kinds = layer_types(config, shape.layers, last_of(6, shape.layers))
    kinds[-1] = FULL
    twice = config.flag("use_double_wide_mlp")
    keys_only = config.flag("attention_k_eq_v", default=config.model_type != "gemma4_text")
    window = config.integer("sliding_window") if "sliding_window" in config else None
    experts = config.integer("num_experts") if config.flag("enable_moe_block") else 0
    per_layer = config.integer("hidden_size_per_layer_input", default=0, least=0)

    def make(kind: tuple[str, bool]) -> Layer:
        mixes, stores = kind
        own = full if mixes == FULL else shape
        values = not (keys_only and mixes == FULL)
        mixer = attention(own, bias=config.flag("attention_bias"), head_norms=True, values=values)
        kept = tuple(tensor for tensor in mixer if stores or not tensor.name.startswith(_KEYS_AND_VALUES))
        width = shape.intermediate * (2 if twice and not stores else 1)
        tensors = (
            *kept,
            *gated_mlp(shape.hidden, width, shape.dtype),
            *norms(SANDWICH_NORMS, shape.hidden, shape.dtype),
            Tensor("layer_scalar", (1,), shape.dtype, Role.OTHER, kind=Kind.BUFFER),
            *(per_layer_input(config, shape) if per_layer else ()),
            *(_experts(config, shape, experts) if experts else ()),
        )
        cache = replace(own.attention(window if mixes == SLIDING else None), stores=stores)
        routing = Routing(experts, config.integer("top_k_experts")) if experts else None
        return Layer(tensors, cache, routing=routing)

    layers = layers_of(((kind, index < first_shared) for index, kind in enumerate(kinds)), make)
    extra = per_layer_embedding(config, shape) if per_layer else ()
    return decoder(config, shape, layers, tied=True, extra=extra)


_KEYS_AND_VALUES = ("self_attn.k_", "self_attn.v_")


def _full_shape(config: Config, shape: Shape) -> Shape:
    """Return the dimensions of the full layers: their heads are wider, and perhaps fewer."""
    dim = config.integer("global_head_dim", default=512)
    keys_only = config.flag("attention_k_eq_v", default=config.model_type != "gemma4_text")
    kv_heads = config.integer("num_global_key_value_heads", default=shape.kv_heads) if keys_only else shape.kv_heads
    return replace(shape, head_dim=dim, kv_heads=kv_heads)


def _experts(config: Config, shape: Shape, experts: int) -> tuple[Tensor, ...]:
    """Return the experts that run beside the dense feed-forward layer."""
    hidden, dtype = shape.hidden, shape.dtype
    after = ["post_feedforward_layernorm_1", "post_feedforward_layernorm_2", "pre_feedforward_layernorm_2"]
    return (
        *linear("router.proj", experts, hidden, dtype, Role.ROUTER),
        Tensor("router.scale", (hidden,), dtype, Role.ROUTER),
        Tensor("router.per_expert_scale", (experts,), dtype, Role.ROUTER),
        *stacked_experts(hidden, config.integer("moe_intermediate_size"), experts, dtype, name="experts"),
        *norms(after, hidden, dtype),
    )
