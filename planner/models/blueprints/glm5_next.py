"""GLM-5.3-Flash: three layers of Kimi delta attention to one of sparse latent attention, four residual streams."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.deepseek import CORRECTION, indexer_types
from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.multimodal import multimodal, text_model, tower_component
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe
from planner.models.parts.kimi_delta import kimi_delta
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layer_types import dense_first, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.parts.streams import residual_streams
from planner.models.tensor import Role, Tensor

_DELTA, _SPARSE = "linear_attention", "indexed_attention"
_DENSE_FIRST = 3


@blueprint("glm5_next")
def glm5_next(config: Config) -> Model:
    """Tower and decoder side by side below `model`."""
    parts = [tower_component("vision", config.part("vision_config"), "model.visual.")]
    return multimodal(config, text_model(config), parts, {"model.": "model.language_model."})


@blueprint("glm5_next_text")
def glm5_next_text(config: Config) -> Model:
    """An indexer chooses among pools of `index_kpool` tokens."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    kinds = layer_types(config, shape.layers, [_SPARSE if index % 4 == 3 else _DELTA for index in range(shape.layers)])
    inner = config.part("linear_attn_config")
    heads = inner.integer("num_heads", default=config.integer("linear_num_heads"))
    dim = inner.integer("head_dim", default=config.integer("linear_head_dim"))
    kernel = inner.integer("short_conv_kernel_size", default=config.integer("linear_conv_kernel_dim"))
    delta, state = kimi_delta(shape, heads, dim, kernel, "self_attn", "o_proj", narrow="fg")
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    shared, width = config.integer("n_shared_experts", least=0), config.integer("moe_intermediate_size")
    routed = moe(shape.hidden, width, experts, shape.dtype, correction=CORRECTION, shared=shared * width)
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
    common = (
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
        *residual_streams(config, shape.hidden, "hc_attn_"),
        *residual_streams(config, shape.hidden, "hc_ffn_"),
    )

    def make(kind: tuple[str, str, bool]) -> Layer:
        mixes, index, routes = kind
        tensors = (*common, *(routed if routes else dense))
        routing = Routing(experts, chosen, shared) if routes else None
        if mixes == _DELTA:
            return Layer((*delta, *tensors), state=state, routing=routing)
        full = index == "full"
        mixer, cache = latent_attention(config, shape.dtype, indexed=True, caches_index=full)
        return Layer((*mixer, *(_pooling(config, shape) if full else ()), *tensors), cache, routing=routing)

    sparse = dense_first(config, shape.layers, habit=_DENSE_FIRST)
    layers = layers_of(zip(kinds, indexer_types(config, shape.layers), sparse, strict=True), make)
    return decoder(config, shape, layers)


def _pooling(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    """Return what pools `index_kpool` keys of the indexer into one."""
    dim, pool, name = config.integer("index_head_dim"), config.integer("index_kpool"), "self_attn.indexer.index_kpool"
    return (
        Tensor(f"{name}_compress_ape", (pool, dim), F32, Role.INDEXER),
        *linear(f"{name}_compress_gate", dim, shape.hidden, shape.dtype, Role.INDEXER, bare=True),
    )
