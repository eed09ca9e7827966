"""DeepSeek-V4: shared keys and values, a window of whole tokens and compressed entries before it."""

from planner.models.attention import Attention, CacheKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.dtype import F32, INT64
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, routed_experts, router
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import norm, norms
from planner.models.parts.prediction import predicting_layers, prediction
from planner.models.parts.shape import Shape, read_shape
from planner.models.parts.streams import residual_streams
from planner.models.tensor import Kind, Role, Split, Tensor

SPARSE, HEAVY, SLIDING = "compressed_sparse_attention", "heavily_compressed_attention", "sliding_attention"
_BY_RATIO = {0: SLIDING, 4: SPARSE, 128: HEAVY}
_RATES = {SPARSE: 4, HEAVY: 128}
_NAMES = ("w1", "w3", "w2")


@blueprint("deepseek_ref")
def deepseek_ref(config: Config) -> Model:
    """The name that SGLang gives DeepSeek-V4 (srt/configs/deepseek_v4.py)."""
    return deepseek_v4(config.seen_as("deepseek_v4"))


@blueprint("deepseek_v4")
def deepseek_v4(config: Config) -> Model:
    """Layers compress their past not at all, four to one with an indexer, or 128 to one."""
    shape = read_shape(config, intermediate=0, kv_heads=1)
    hashed = config.integer("num_hash_layers", default=3, least=0)
    routes = [index < hashed for index in range(shape.layers)]
    if "mlp_layer_types" in config:
        routes = [kind == "hash_moe" for kind in config.texts("mlp_layer_types")][: shape.layers]

    def make(kind: tuple[str, bool]) -> Layer:
        mixes, by_hash = kind
        tensors = (
            *_attention(config, shape, mixes),
            *_experts(config, shape, by_hash),
            *norms(["attn_norm", "ffn_norm"], shape.hidden, shape.dtype),
            *residual_streams(config, shape.hidden, "hc_attn_"),
            *residual_streams(config, shape.hidden, "hc_ffn_"),
        )
        chosen, shared = config.integer("num_experts_per_tok"), config.integer("n_shared_experts")
        routing = Routing(config.integer("n_routed_experts"), chosen, shared)
        return Layer(tensors, _cache(config, shape, mixes), routing=routing)

    layers = layers_of(zip(_kinds(config, shape.layers), routes, strict=True), make)
    ahead = _predictor(config, shape, make((SLIDING, False)))
    extra = residual_streams(config, shape.hidden, "hc_head_", ways=1, mixes=False)
    return decoder(
        config, shape, layers, prefix="", table="embed", head="head",
        last=(*norm("norm", shape.hidden, shape.dtype), *extra),
        components=[prediction(ahead, f"mtp.{index}.") for index in range(predicting_layers(config))],
    )  # fmt: skip


def _predictor(config: Config, shape: Shape, layer: Layer) -> tuple[Tensor, ...]:
    """Return a prediction layer: a sliding one behind two projections, with a mixing of streams of its own."""
    return (
        *layer.tensors,
        *linear("e_proj", shape.hidden, shape.hidden, shape.dtype, Role.OTHER),
        *linear("h_proj", shape.hidden, shape.hidden, shape.dtype, Role.OTHER),
        *norms(["enorm", "hnorm", "norm"], shape.hidden, shape.dtype),
        *residual_streams(config, shape.hidden, "hc_head_", ways=1, mixes=False),
    )


def _kinds(config: Config, layers: int) -> list[str]:
    """Kind of each layer: `layer_types`, or the older `compress_ratios`, or the habit of V4-Pro."""
    if "layer_types" in config:
        return config.texts("layer_types")[:layers]
    if "compress_ratios" in config:
        ratios = config.integers("compress_ratios")[:layers]
        if len(ratios) < layers or set(ratios) - set(_BY_RATIO):
            raise config.wrong("compress_ratios", ratios, f"{layers} numbers out of 0, 4 and 128")
        return [_BY_RATIO[ratio] for ratio in ratios]
    return [HEAVY if index < 2 or index % 2 == 0 else SPARSE for index in range(layers)]


def _rate(config: Config, kind: str) -> int:
    """Tokens that one compressed entry stands for."""
    rates = config.part("compress_rates")
    older = "compress_rate_csa" if kind == SPARSE else "compress_rate_hca"
    return rates.integer(kind, default=config.integer(older, default=_RATES[kind]))


def _cache(config: Config, shape: Shape, kind: str) -> Attention:
    window, sparse = config.integer("sliding_window"), kind == SPARSE
    return Attention(
        CacheKind.MLA, shape.heads, 1, shape.head_dim, shape.head_dim, window, latent_dim=shape.head_dim,
        index_dim=config.integer("index_head_dim") if sparse else 0,
        index_heads=config.integer("index_n_heads") if sparse else 0,
        index_topk=config.integer("index_topk") if sparse else 0,
        compression=1 if kind == SLIDING else _rate(config, kind),
    )  # fmt: skip


def _attention(config: Config, shape: Shape, kind: str) -> tuple[Tensor, ...]:
    hidden, heads, dim, dtype = shape.hidden, shape.heads, shape.head_dim, shape.dtype
    rank, groups, output_rank = config.integer("q_lora_rank"), config.integer("o_groups"), config.integer("o_lora_rank")

    def project(name: str, outputs: int, inputs: int, split: Split = Split.REPLICATED) -> tuple[Tensor, ...]:
        units = {Split.COLUMN: heads, Split.ROW: groups}.get(split, 0)
        return linear(f"attn.{name}", outputs, inputs, dtype, Role.ATTENTION, split, units=units)

    tensors = (
        *project("wq_a", rank, hidden),
        *norm("attn.q_norm", rank, dtype),
        *project("wq_b", heads * dim, rank, Split.COLUMN),
        *project("wkv", dim, hidden),
        *norm("attn.kv_norm", dim, dtype),
        *linear(
            "attn.wo_a", groups * output_rank, heads * dim // groups, dtype, Role.ATTENTION, Split.COLUMN, units=groups
        ),
        *project("wo_b", hidden, groups * output_rank, Split.ROW),
        Tensor("attn.attn_sink", (heads,), F32, Role.ATTENTION, Split.COLUMN, heads),
    )
    if kind == HEAVY:
        tensors += _compressor("attn.compressor", hidden, dim, dim, _rate(config, kind), shape)
    if kind == SPARSE:
        rate, index_dim, index_heads = (
            _rate(config, kind),
            config.integer("index_head_dim"),
            config.integer("index_n_heads"),
        )
        tensors += (
            *_compressor("attn.compressor", hidden, 2 * dim, dim, rate, shape),
            *_compressor("attn.indexer.compressor", hidden, 2 * index_dim, index_dim, rate, shape, Role.INDEXER),
            *linear("attn.indexer.wq_b", index_heads * index_dim, rank, dtype, Role.INDEXER),
            *linear("attn.indexer.weights_proj", index_heads, hidden, dtype, Role.INDEXER),
        )
    return tensors


def _compressor(
    name: str, hidden: int, wide: int, dim: int, rate: int, shape: Shape, role: Role = Role.ATTENTION
) -> tuple[Tensor, ...]:
    """Return what pools `rate` tokens into one entry of `dim`; four-to-one windows overlap and are twice as wide."""
    return (
        *linear(f"{name}.wkv", wide, hidden, shape.dtype, role),
        *linear(f"{name}.wgate", wide, hidden, shape.dtype, role),
        Tensor(f"{name}.ape", (rate, wide), F32, role),
        *norm(f"{name}.norm", dim, shape.dtype),
    )


def _experts(config: Config, shape: Shape, by_hash: bool) -> tuple[Tensor, ...]:
    experts, width = config.integer("n_routed_experts"), config.integer("moe_intermediate_size")
    shared, chosen = config.integer("n_shared_experts"), config.integer("num_experts_per_tok")
    table = Tensor("ffn.gate.tid2eid", (shape.vocab, chosen), INT64, Role.ROUTER, kind=Kind.BUFFER)
    return (
        *router(shape.hidden, experts, shape.dtype, name="ffn.gate"),
        table if by_hash else correction_bias("ffn.gate.bias", experts),
        *routed_experts(shape.hidden, width, experts, shape.dtype, name="ffn.experts.*", names=_NAMES),
        *gated_mlp(
            shape.hidden, width * shared, shape.dtype,
            name="ffn.shared_experts", names=_NAMES, role=Role.SHARED_EXPERT, bias=config.flag("mlp_bias"),
        ),
    )  # fmt: skip
