"""DeepSeek-V2 (arXiv 2405.04434), V3 and R1 (2412.19437), V3.2 (2512.02556) and the models built like them.

Latent attention, routed experts beside shared ones, the first layers dense.
"""

from planner.models.attention import Attention
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import moe, router, shared_experts, stacked_experts
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layer_types import dense_first
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.prediction import predictors
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Tensor

CORRECTION = "gate.e_score_correction_bias"


@blueprint("deepseek_v2")
def deepseek_v2(config: Config) -> Model:
    """V2: softmax routing without a load-balancing bias."""
    return _model(config, dense_first(config, _layers(config)), correction="")


@blueprint("deepseek_v3", "kimi_k2")
def deepseek_v3(config: Config) -> Model:
    """V3, R1, Kimi K2 (arXiv 2507.20534): the prediction layer brings an embedding and a head of its own."""
    return _model(config, dense_first(config, _layers(config)), own_tables=True)


@blueprint("sarvam_mla")
def sarvam_mla(config: Config) -> Model:
    """Sarvam-105B: DeepSeek-V3 without compressed queries."""
    return _model(config, dense_first(config, _layers(config)))


@blueprint("deepseek_v32")
def deepseek_v32(config: Config) -> Model:
    """V3.2: every layer has an indexer."""
    return _model(config, dense_first(config, _layers(config)), indexed=["full"] * _layers(config), own_tables=True)


@blueprint("glm_moe_dsa")
def glm_moe_dsa(config: Config) -> Model:
    """GLM-5: DeepSeek-V3.2 in which some layers reuse the choice of an earlier indexer."""
    return _model(config, dense_first(config, _layers(config)), indexed=indexer_types(config, _layers(config)))


@blueprint("glm4_moe_lite")
def glm4_moe_lite(config: Config) -> Model:
    """GLM-4.7-Flash: DeepSeek-V3 at a smaller size, the first layer dense."""
    return _model(config, dense_first(config, _layers(config), habit=1))


@blueprint("axk1", "AXK1")
def axk1(config: Config) -> Model:
    """A.X K1: DeepSeek-V3 with a norm after the experts."""
    first, step = (
        config.integer("first_k_dense_replace", default=1, least=0),
        config.integer("moe_layer_freq", default=1),
    )
    sparse = dense_first(config, _layers(config), habit=1)
    if "mlp_layer_types" not in config:
        sparse = [index >= first and index % step == 0 for index in range(len(sparse))]
    return _model(config, sparse, after_experts="post_mlp_layernorm")


@blueprint("mistral4")
def mistral4(config: Config) -> Model:
    """Mistral Small 4: DeepSeek-V2 whose experts are stored in two tensors."""
    return _model(config, dense_first(config, _layers(config)), correction="", stacked=True)


@blueprint("youtu", "minicpm3")
def latent_dense(config: Config) -> Model:
    """Youtu-LLM and MiniCPM3: latent attention, every layer dense."""
    return _model(config, [False] * _layers(config))


def indexer_types(config: Config, layers: int) -> list[str]:
    """`full` where a layer has an indexer, `shared` where it takes over the choice of an earlier one.

    Given as `indexer_types`, as a pattern of letters F and S, or by a frequency and an offset.
    """
    if "indexer_types" in config:
        return config.texts("indexer_types", length=layers)
    pattern = config.get("index_topk_pattern")
    if pattern is not None:
        letters = {"F": "full", "S": "shared"}
        found = [letters.get(str(letter), str(letter)) for letter in pattern]
        if len(found) != layers:
            raise config.wrong("index_topk_pattern", pattern, f"one letter for each of the {layers} layers")
        return found
    step = config.integer("index_topk_freq", default=1)
    offset = config.integer("index_skip_topk_offset", default=2, least=0)
    return ["full" if max(index - offset + 1, 0) % step == 0 else "shared" for index in range(layers)]


def _layers(config: Config) -> int:
    return config.integer("num_hidden_layers", most=10_000)


def _model(
    config: Config,
    sparse: list[bool],
    *,
    correction: str = CORRECTION,
    indexed: list[str] | None = None,
    own_tables: bool = False,
    stacked: bool = False,
    after_experts: str = "",
) -> Model:
    shape = read_shape(config, head_dim=1, kv_heads=1)

    def make(kind: tuple[bool, str]) -> Layer:
        routes, index = kind
        mixer, cache = latent_attention(config, shape.dtype, indexed=bool(index), caches_index=index == "full")
        common = (*mixer, *norms(PRE_NORMS, shape.hidden, shape.dtype))
        if routes:
            after = norm(after_experts, shape.hidden, shape.dtype) if after_experts else ()
            return _sparse(config, shape, (*common, *after), cache, correction, stacked)
        bias = config.flag("mlp_bias") and config.model_type in ("deepseek_v2", "minicpm3")
        return Layer((*common, *gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=bias)), cache)

    kinds = list(zip(sparse, indexed or [""] * shape.layers, strict=True))
    layers = layers_of(kinds, make)
    predicting = make((True, "full" if indexed else "")) if any(sparse) else layers[-1]
    return decoder(config, shape, layers, components=predictors(config, shape, predicting, own_tables=own_tables))


def _sparse(
    config: Config, shape: Shape, common: tuple[Tensor, ...], cache: Attention, correction: str, stacked: bool
) -> Layer:
    experts, chosen = config.integer("n_routed_experts", "num_local_experts"), config.integer("num_experts_per_tok")
    shared, width = config.integer("n_shared_experts", default=0, least=0), config.integer("moe_intermediate_size")
    if stacked:
        routed = (
            *router(shape.hidden, experts, shape.dtype),
            *stacked_experts(shape.hidden, width, experts, shape.dtype),
            *shared_experts(shape.hidden, width * shared, shape.dtype),
        )
    else:
        routed = moe(shape.hidden, width, experts, shape.dtype, correction=correction, shared=shared * width)
    return Layer((*common, *routed), cache, routing=Routing(experts, chosen, shared))
