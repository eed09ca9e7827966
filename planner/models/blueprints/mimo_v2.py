"""MiMo-V2-Flash (arXiv 2601.02780): sliding layers with twice the key and value heads and attention sinks."""

from dataclasses import replace

from planner.models.attention import Attention, CacheKind
from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import CORRECTION
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.layer_types import FULL, SLIDING, dense_first, layer_windows
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("mimo_v2_flash")
def mimo_v2_flash(config: Config) -> Model:
    """The first layer and every sixth are full; values are narrower than keys."""
    shape = read_shape(config)
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, value = config.integer("moe_intermediate_size"), config.integer("v_head_dim")
    feed_forward = {
        False: gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        True: moe(shape.hidden, width, experts, shape.dtype, correction=CORRECTION),
    }

    def make(kind: tuple[bool, int | None]) -> Layer:
        routes, window = kind
        own = replace(shape, kv_heads=shape.kv_heads * 2) if window else shape
        sinks = Tensor(
            "self_attn.attention_sink_bias", (shape.heads,), shape.dtype, Role.ATTENTION, Split.COLUMN, shape.heads
        )
        tensors = (
            *attention(own, bias=config.flag("attention_bias"), output_bias=False, value_dim=value),
            *((sinks,) if window else ()),
            *feed_forward[routes],
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        )
        cache = Attention(
            CacheKind.SLIDING if window else CacheKind.FULL, own.heads, own.kv_heads, own.head_dim, value, window
        )
        return Layer(tensors, cache, routing=Routing(experts, chosen) if routes else None)

    habit = [FULL if index == 0 or (index + 1) % 6 == 0 else SLIDING for index in range(shape.layers)]
    if "hybrid_layer_pattern" in config:
        pattern = config.integers("hybrid_layer_pattern", length=shape.layers)
        habit = [SLIDING if slides else FULL for slides in pattern]
    windows = layer_windows(config, shape.layers, habit)
    if "sliding_window_size" in config:
        windows = [config.integer("sliding_window_size") + 1 if window else None for window in windows]
    return decoder(config, shape, layers_of(zip(dense_first(config, shape.layers, 1), windows, strict=True), make))
