"""MiniMax-M3: experts beside a shared one, block-sparse attention with an indexer in most layers."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tied_with_text, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router, shared_experts
from planner.models.parts.layer_types import FULL
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Tensor

SPARSE = "minimax_m3_sparse"


@blueprint("minimax_m3_vl")
def minimax_m3_vl(config: Config) -> Model:
    """A projector of two layers, then one that merges neighbouring patches."""
    vision = config.part("vision_config")
    text = text_model(config)
    width, merge = vision.integer("hidden_size"), vision.integer("spatial_merge_size", default=2)
    between, hidden = config.integer("projector_hidden_size"), text.hidden_size
    tensors = projector(config)
    tensors.linear("multi_modal_projector.linear_1", between, width)
    tensors.linear("multi_modal_projector.linear_2", hidden, between)
    tensors.linear("patch_merge_mlp.linear_1", between, hidden * merge**2)
    tensors.linear("patch_merge_mlp.linear_2", hidden, between)
    parts = [tower_component("vision", vision, "vision_tower.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE, tied=tied_with_text(config))


@blueprint("minimax_m3", "minimax_m3_vl_text")
def minimax_m3(config: Config) -> Model:
    """Layers of `sparse_attention_freq` cache a key for the indexer besides keys and values."""
    shape = read_shape(config)
    experts, chosen = config.integer("num_local_experts", "num_experts"), config.integer("num_experts_per_tok")
    hidden, dtype, name = shape.hidden, shape.dtype, "block_sparse_moe"
    feed_forward = {
        False: gated_mlp(hidden, config.integer("dense_intermediate_size"), dtype),
        True: (
            *router(hidden, experts, dtype, name=f"{name}.gate"),
            correction_bias(f"{name}.e_score_correction_bias", experts),
            *routed_experts(
                hidden, shape.intermediate, experts, dtype, name=f"{name}.experts.*", names=("w1", "w3", "w2")
            ),
            *shared_experts(hidden, config.integer("shared_intermediate_size"), dtype, name=f"{name}.shared_experts"),
        ),
    }

    def make(kind: tuple[bool, str]) -> Layer:
        routes, mixes = kind
        cache = shape.attention()
        index: tuple[Tensor, ...] = ()
        if mixes == SPARSE:
            heads, dim, topk = _indexer_sizes(config)
            index = _indexer(shape, heads, dim)
            cache = replace(cache, index_dim=dim, index_heads=heads, index_topk=topk)
        mixer = attention(shape, head_norms=True)
        tensors = (*mixer, *index, *feed_forward[routes], *norms(PRE_NORMS, hidden, dtype))
        return Layer(tensors, cache, routing=Routing(experts, chosen, 1) if routes else None)

    kinds = zip(_sparse_layers(config, shape.layers), _mixers(config, shape.layers), strict=True)
    return decoder(config, shape, layers_of(kinds, make))


def _flags(config: Config, name: str, layers: int) -> list[bool]:
    return [bool(flag) for flag in config.integers(name, length=layers)]


def _sparse_layers(config: Config, layers: int) -> list[bool]:
    if "mlp_layer_types" in config:
        return [kind == "sparse" for kind in config.texts("mlp_layer_types", length=layers)]
    return _flags(config, "moe_layer_freq", layers) if "moe_layer_freq" in config else [True] * layers


def _mixers(config: Config, layers: int) -> list[str]:
    if "layer_types" in config:
        return config.texts("layer_types", length=layers)
    inner = config.part("sparse_attention_config")
    if "sparse_attention_freq" not in inner:
        return [FULL] * layers
    return [SPARSE if sparse else FULL for sparse in _flags(inner, "sparse_attention_freq", layers)]


def _indexer_sizes(config: Config) -> tuple[int, int, int]:
    """Return heads, width of a head, and tokens that are read: blocks times their size."""
    inner = config.part("sparse_attention_config")
    heads = inner.integer("sparse_num_index_heads", default=config.integer("index_n_heads", default=4))
    dim = inner.integer("sparse_index_dim", default=config.integer("index_head_dim", default=128))
    blocks = inner.integer("sparse_topk_blocks", default=config.integer("index_topk_blocks", default=16))
    size = inner.integer("sparse_block_size", default=config.integer("index_block_size", default=128))
    return heads, dim, blocks * size


def _indexer(shape: Shape, heads: int, dim: int) -> tuple[Tensor, ...]:
    name, dtype = "self_attn", shape.dtype
    return (
        *linear(f"{name}.index_q_proj", heads * dim, shape.hidden, dtype, Role.INDEXER, units=heads),
        *linear(f"{name}.index_k_proj", dim, shape.hidden, dtype, Role.INDEXER),
        *norm(f"{name}.index_q_norm", dim, dtype),
        *norm(f"{name}.index_k_norm", dim, dtype),
    )
