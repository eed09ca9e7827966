"""Mistral Large 4: latent attention without a query rank, an indexer in every layer, caches shared across layers."""

from planner.models.attention import Attention, CacheKind
from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import indexer_types
from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.latent_attention import indexer
from planner.models.parts.layer_types import dense_first
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor


@blueprint("mistral_large4")
def mistral_large4(config: Config) -> Model:
    """Pixtral, patches merged before two matrices."""
    vision, text = config.part("vision_config"), text_model(config)
    width, merge = vision.integer("hidden_size"), config.integer("spatial_merge_size")
    layers = config.get("vision_feature_layer")
    features = width * (len(layers) if isinstance(layers, list) else 1)
    bias = config.flag("multimodal_projector_bias")
    tensors = projector(config, "model.multi_modal_projector.")
    tensors.norm("norm", width, bias=False)
    tensors.linear("patch_merger.merging_layer", width, width * merge**2, bias=False)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, features, bias=bias)
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})


@blueprint("mistral_large4_text")
def mistral_large4_text(config: Config) -> Model:
    """Layers of `no_rope_layers` cache no rotary key; those of `kv_source_layers` read the cache of an earlier one."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    step = config.integer("no_rope_layer_interval", default=4)
    habit = [int((index + 1) % step != 0) for index in range(shape.layers)]
    rotary = config.integers("no_rope_layers", default=habit, length=shape.layers)
    sources = config.integers("kv_source_layers", default=list(range(shape.layers)), length=shape.layers)

    def make(kind: tuple[bool, bool, bool, bool]) -> Layer:
        routes, rotates, stores, indexes = kind
        mixer, cache = _mixer(config, shape, rotates=rotates, stores=stores, indexes=indexes)
        feed_forward, routing = _routed(config, shape) if routes else (_dense(shape), None)
        return Layer((*mixer, *feed_forward, *norms(PRE_NORMS, shape.hidden, shape.dtype)), cache, routing=routing)

    sparse, indexed = dense_first(config, shape.layers), indexer_types(config, shape.layers)
    kinds = [
        (sparse[index], bool(rotary[index]), sources[index] == index, indexed[index] == "full")
        for index in range(shape.layers)
    ]
    bands = Tensor("lerope.alpha", (config.integer("qk_rope_head_dim") // 2,), F32, Role.OTHER)
    return decoder(config, shape, layers_of(kinds, make), extra=[bands])


def _mixer(
    config: Config, shape: Shape, *, rotates: bool, stores: bool, indexes: bool
) -> tuple[tuple[Tensor, ...], Attention]:
    hidden, heads, dtype = shape.hidden, shape.heads, shape.dtype
    nope, rope = config.integer("qk_nope_head_dim"), config.integer("qk_rope_head_dim")
    value, rank, query = config.integer("v_head_dim"), config.integer("kv_lora_rank"), nope + rope
    nope, rope = (nope, rope) if rotates else (query, 0)
    bias = config.flag("attention_bias")
    down = (
        *linear("self_attn.kv_a_proj_with_mqa", rank + rope, hidden, dtype, Role.ATTENTION, bias=bias),
        *norm("self_attn.kv_a_layernorm", rank, dtype),
    )
    up = heads * (nope + value)
    tensors = (
        *linear("self_attn.q_proj", heads * query, hidden, dtype, Role.ATTENTION, Split.COLUMN, units=heads),
        *(down if stores else ()),
        *linear("self_attn.kv_b_proj", up, rank, dtype, Role.ATTENTION, Split.COLUMN, units=heads),
        *linear("self_attn.o_proj", hidden, heads * value, dtype, Role.ATTENTION, Split.ROW, bias=bias, units=heads),
        *_scaling("self_attn", shape, heads),
        *(_indexer(config, shape) if indexes else ()),
    )
    dim = config.integer("index_head_dim") if indexes else 0
    return tensors, Attention(
        CacheKind.MLA, heads, heads, query, value, latent_dim=rank + rope, stores=stores, index_dim=dim,
        index_heads=config.integer("index_n_heads"), index_topk=config.integer("index_topk"),
    )  # fmt: skip


def _indexer(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return an indexer that makes its queries of the normed input, not of a low-rank query."""
    name = "self_attn.indexer"
    return (
        *indexer(config, shape.dtype, shape.hidden, shape.hidden, name),
        *norm(f"{name}.q_input_norm", shape.hidden, shape.dtype, bias=True),
        *_scaling(name, shape, config.integer("index_n_heads")),
    )


def _scaling(place: str, shape: Shape, heads: int) -> tuple[Tensor, ...]:
    """Return what scales queries with their position, a number and an offset a head (arXiv 2603.12201)."""
    return tuple(
        Tensor(f"{place}.softmax_scaling.{leaf}", (heads,), shape.dtype, Role.ATTENTION) for leaf in ("scale", "bias")
    )


def _dense(shape: Shape) -> tuple[Tensor, ...]:
    return gated_mlp(shape.hidden, shape.intermediate, shape.dtype)


def _routed(config: Config, shape: Shape) -> tuple[tuple[Tensor, ...], Routing]:
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    width, shared = config.integer("moe_intermediate_size"), config.integer("n_shared_experts", least=0)
    return moe(shape.hidden, width, experts, shape.dtype, shared=shared * width), Routing(experts, chosen, shared)
