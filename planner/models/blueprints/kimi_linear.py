"""Kimi Linear (arXiv 2510.26692) and Ling 2.5 (Bailing hybrid): Kimi delta attention beside latent attention."""

from planner.models.attention import Attention, RecurrentState, StateKind
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, moe, routed_experts, router, shared_experts
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layer_types import FULL, dense_first, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor

_Delta = tuple[tuple[Tensor, ...], RecurrentState]
_Latent = tuple[tuple[Tensor, ...], Attention]


@blueprint("kimi_linear")
def kimi_linear(config: Config) -> Model:
    """Most layers keep a matrix a head instead of a cache; experts are called w1, w2, w3."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    linear_part = config.part("linear_attn_config")
    heads = linear_part.integer("num_heads", default=config.integer("linear_num_heads", default=shape.heads))
    dim = linear_part.integer("head_dim", default=config.integer("linear_head_dim", default=128))
    kernel = linear_part.integer(
        "short_conv_kernel_size", default=config.integer("linear_conv_kernel_dim", default=4)
    )  # fmt: skip
    delta = _delta_attention(shape, heads, dim, kernel, "self_attn", "o_proj", narrow_gates=True)
    kinds = _kimi_types(config, linear_part, shape.layers)
    name = "block_sparse_moe"
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_token", "num_experts_per_tok")
    shared, width = config.integer("num_shared_experts", least=0), config.integer("moe_intermediate_size")
    routed = (
        *router(shape.hidden, experts, shape.dtype, name=f"{name}.gate"),
        correction_bias(f"{name}.gate.e_score_correction_bias", experts),
        *routed_experts(shape.hidden, width, experts, shape.dtype, name=f"{name}.experts.*", names=("w1", "w3", "w2")),
        *shared_experts(shape.hidden, shared * width, shape.dtype, name=f"{name}.shared_experts"),
    )
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype, name=name)
    latent = latent_attention(config, shape.dtype)
    return _model(config, shape, kinds, delta, latent, dense, routed, Routing(experts, chosen, shared))


@blueprint("bailing_hybrid")
def bailing_hybrid(config: Config) -> Model:
    """The last layer of each `layer_group_size` has latent attention with a gate a head."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    dim, kernel = config.integer("head_dim"), config.integer("short_conv_kernel_size")
    delta = _delta_attention(shape, shape.heads, dim, kernel, "attention", "dense", narrow_gates=False)
    group = config.integer("layer_group_size")
    habit = [FULL if (index + 1) % group == 0 else "linear_attention" for index in range(shape.layers)]
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_token", "num_experts_per_tok")
    shared, width = config.integer("num_shared_experts", least=0), config.integer("moe_intermediate_size")
    routed = moe(shape.hidden, width, experts, shape.dtype, correction="gate.expert_bias", shared=shared * width)
    mixer, cache = latent_attention(config, shape.dtype, name="attention", output="dense", query_rank=False)
    gate = linear(
        "attention.g_proj", shape.heads, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=shape.heads
    )
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
    kinds = layer_types(config, shape.layers, habit)
    latent = ((*mixer, *gate), cache)
    routing = Routing(experts, chosen, shared)
    return _model(
        config, shape, kinds, delta, latent, dense, routed, routing,
        table="word_embeddings",
    )  # fmt: skip


def _kimi_types(config: Config, linear_part: Config, layers: int) -> list[str]:
    habit = [FULL if index and index % 4 == 0 else "linear_attention" for index in range(layers)]
    if "full_attn_layers" in linear_part and "layer_types" not in config:
        full = linear_part.integers("full_attn_layers")
        habit = [FULL if index + 1 in full else "linear_attention" for index in range(layers)]
    return layer_types(config, layers, habit)


def _model(
    config: Config, shape: Shape, kinds: list[str], delta: _Delta, latent: _Latent, dense: tuple[Tensor, ...],
    routed: tuple[Tensor, ...], routing: Routing, table: str = "embed_tokens",
) -> Model:  # fmt: skip
    common = norms(PRE_NORMS, shape.hidden, shape.dtype)

    def make(kind: tuple[str, bool]) -> Layer:
        mixer, routes = kind
        tensors, choice = (routed, routing) if routes else (dense, None)
        if mixer == FULL:
            return Layer((*latent[0], *tensors, *common), latent[1], routing=choice)
        return Layer((*delta[0], *tensors, *common), state=delta[1], routing=choice)

    layers = layers_of(zip(kinds, dense_first(config, shape.layers, habit=1), strict=True), make)
    return decoder(config, shape, layers, table=table, tie_field="")


def _delta_attention(
    shape: Shape, heads: int, dim: int, kernel: int, name: str, output: str, *, narrow_gates: bool
) -> _Delta:
    """Return the tensors of Kimi delta attention (section 3); `narrow_gates` factor the gates through one head."""
    wide, dtype, hidden = heads * dim, shape.dtype, shape.hidden

    def project(target: str, outputs: int = wide, inputs: int = hidden) -> tuple[Tensor, ...]:
        split, units = (Split.REPLICATED, 0) if outputs == dim and narrow_gates else (Split.COLUMN, heads)
        return linear(f"{name}.{target}", outputs, inputs, dtype, Role.SSM, split, units=units)

    def vector(target: str, *sizes: int) -> Tensor:
        return Tensor(f"{name}.{target}", sizes, dtype, Role.SSM, Split.COLUMN, heads)

    gates = tuple(
        tensor
        for letter in "fg"
        for tensor in (
            (*project(f"{letter}_a_proj", dim), *project(f"{letter}_b_proj", wide, dim))
            if narrow_gates
            else project(f"{letter}_proj")
        )
    )
    tensors = (
        *project("q_proj"), *project("k_proj"), *project("v_proj"), *project("b_proj", heads), *gates,
        *(vector(f"{letter}_conv1d.weight", wide, 1, kernel) for letter in "qkv"),
        vector("A_log", heads), vector("dt_bias", wide),
        *norm(f"{name}.o_norm", dim, dtype),
        *linear(f"{name}.{output}", hidden, wide, dtype, Role.SSM, Split.ROW, units=heads),
    )  # fmt: skip
    return tensors, RecurrentState(wide * dim, 3 * wide, kernel, heads, StateKind.KIMI_DELTA, heads)
