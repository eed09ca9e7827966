"""Qwen4-Exp: Qwen3.5 with several residual streams, attention that an indexer makes sparse, and tables of n-grams."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.blueprints.qwen3_next import gated_attention, routed_with_shared
from planner.models.blueprints.qwen_vl import INSIDE
from planner.models.config_json import Config
from planner.models.dtype import INT64
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.multimodal import multimodal, text_model, tower_component
from planner.models.parts.decoder import decoder
from planner.models.parts.delta_net import gated_delta_net
from planner.models.parts.layer_types import FULL, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.ngrams import ngram_rows
from planner.models.parts.norm import norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Kind, Role, Tensor

_SPARSE, _NO_TABLE = "indexed_attention", -1


@blueprint("qwen4_exp")
def qwen4_exp(config: Config) -> Model:
    """Tower and decoder side by side below `model`."""
    parts = [tower_component("vision", config.part("vision_config"), "model.visual.")]
    return multimodal(config, text_model(config), parts, INSIDE)


@blueprint("qwen4_exp_text")
def qwen4_exp_text(config: Config) -> Model:
    """Layers of `ple_layer_ids`, counted from one, each look up n-grams in a table of their own."""
    shape = read_shape(config, intermediate=0)
    feed_forward, routing = routed_with_shared(config, shape)
    streams = config.integer("hc_count") * shape.hidden
    common = (
        *_mixing(config, shape, "attn_hyper_connection", into=True),
        *feed_forward,
        *_mixing(config, shape, "mlp_hyper_connection", into=True),
    )

    def make(kind: tuple[str, int]) -> Layer:
        mixes, table = kind
        if mixes == _SPARSE:
            indexer, cache = _indexer(config, shape), shape.attention()
            cache = replace(
                cache, index_dim=config.integer("indexer_head_dim"), index_heads=config.integer("indexer_n_heads"),
                index_topk=config.integer("indexer_budget"),
            )  # fmt: skip
            return Layer((*gated_attention(config, shape), *indexer, *common), cache, routing=routing)
        tensors, state = gated_delta_net(config, shape.hidden, shape.dtype, fused=False)
        if table == _NO_TABLE:
            return Layer((*tensors, *common), state=state, routing=routing)
        kernel = config.integer("ple_conv_kernel_size")
        kept = streams * (kernel - 1) // max(state.conv_kernel - 1, 1)
        state = replace(state, conv_channels=state.conv_channels + kept)
        return Layer((*tensors, *_ngrams(config, shape, table), *common), state=state, routing=routing)

    step = config.integer("full_attention_interval", default=4)
    habit = ["linear_attention" if (index + 1) % step else _SPARSE for index in range(shape.layers)]
    kinds = [_SPARSE if kind == FULL else kind for kind in layer_types(config, shape.layers, habit)]
    places = sorted(set(config.integers("ple_layer_ids", default=[])))
    tables = [places.index(index + 1) if index + 1 in places else _NO_TABLE for index in range(shape.layers)]
    last = _mixing(config, shape, "model.hyper_connection_mixer", into=False)
    return decoder(config, shape, layers_of(zip(kinds, tables, strict=True), make), last=last)


def _mixing(config: Config, shape: Shape, name: str, *, into: bool) -> tuple[Tensor, ...]:
    """Return what mixes the residual streams into one through a bottleneck, and `into` them back."""
    count, rank = config.integer("hc_count"), config.integer("hc_lowrank")
    streams = count * shape.hidden
    back = linear(f"{name}.block_inject_weight", count, streams, shape.dtype, Role.OTHER) if into else ()
    return (
        *norm(f"{name}.hc_norm", streams, shape.dtype),
        *linear(f"{name}.input_mix_weight_down", rank, streams, shape.dtype, Role.OTHER),
        *linear(f"{name}.input_mix_weight_up", streams, rank, shape.dtype, Role.OTHER),
        *back,
    )


def _indexer(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    dim, name = config.integer("indexer_head_dim"), "self_attn.indexer"
    rows = (config.integer("indexer_n_heads") + config.integer("indexer_kv_heads")) * dim
    return (
        *linear(f"{name}.index_qk_proj", rows, shape.hidden, shape.dtype, Role.INDEXER),
        *norms([f"{name}.q_layernorm", f"{name}.k_layernorm"], dim, shape.dtype),
    )


def _ngrams(config: Config, shape: Shape, table: int) -> tuple[Tensor, ...]:
    """Return the table of n-grams, and what takes its rows into the residual streams."""
    streams, dtype, width = config.integer("hc_count") * shape.hidden, shape.dtype, config.get("ple_embed_dim")
    width = shape.hidden if width is None else config.integer("ple_embed_dim")
    rows, heads = ngram_rows(config, table)
    name = "ple.ple_embedding"
    buffers = (("layer_multipliers", config.integer("ngram_size")), ("ngram_heads_offsets", heads))
    return (
        *(
            Tensor(f"{name}.{leaf}", (length,), INT64, Role.OTHER, kind=Kind.BUFFER)
            for leaf, length in (*buffers, ("ngram_heads_vocab_sizes", heads))
        ),
        Tensor(f"{name}.ngram_embedding.weight", (rows, width // heads), dtype, Role.OTHER),
        *linear("ple.key_proj", streams, width, dtype, Role.OTHER),
        *linear("ple.value_proj", shape.hidden, width, dtype, Role.OTHER),
        *norms(["ple.norm_conv", "ple.norm_key", "ple.norm_query"], streams, dtype),
        Tensor("ple.conv1d.weight", (streams, 1, config.integer("ple_conv_kernel_size")), dtype, Role.OTHER),
    )
