"""Kimi Linear (arXiv 2510.26692), the decoder of Kimi K3, and Ling 2.5: Kimi delta beside latent attention."""

from planner.models.attention import Attention
from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import correction_bias, moe, routed_experts, router, shared_experts
from planner.models.parts.kimi_delta import Delta, kimi_delta
from planner.models.parts.latent_attention import latent_attention
from planner.models.parts.layer_types import FULL, dense_first, layer_types
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norm, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Role, Split, Tensor

_Latent = tuple[tuple[Tensor, ...], Attention]


@blueprint("kimi_linear")
def kimi_linear(config: Config) -> Model:
    """Most layers keep a matrix a head instead of a cache; experts are called w1, w2, w3.

    K3 adds, each by a field of its own: a whole output gate, experts of a narrower width between two projections,
    and weights by which a layer looks back at the blocks before it (models/kimi_k3 of vLLM).
    """
    shape = read_shape(config, head_dim=1, kv_heads=1)
    linear_part = config.part("linear_attn_config")
    section, names = config, ("linear_num_heads", "linear_head_dim", "linear_conv_kernel_dim")
    if "linear_attn_config" in config:
        section, names = linear_part, ("num_heads", "head_dim", "short_conv_kernel_size")
    heads, dim, kernel = (section.integer(name) for name in names)
    narrow = "f" if linear_part.flag("use_full_rank_gate") else "fg"
    delta = kimi_delta(shape, heads, dim, kernel, "self_attn", "o_proj", narrow=narrow)
    kinds = _kimi_types(config, linear_part, shape.layers)
    name = "block_sparse_moe"
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_token", "num_experts_per_tok")
    shared, width = config.integer("num_shared_experts", least=0), config.integer("moe_intermediate_size")
    latent_width = config.integer("routed_expert_hidden_size", default=0, least=0)
    routed = (
        *router(shape.hidden, experts, shape.dtype, name=f"{name}.gate"),
        correction_bias(f"{name}.gate.e_score_correction_bias", experts),
        *routed_experts(
            latent_width or shape.hidden,
            width,
            experts,
            shape.dtype,
            name=f"{name}.experts.*",
            names=("w1", "w3", "w2"),
        ),
        *(_into_latent(config, shape, latent_width, name) if latent_width else ()),
        *shared_experts(shape.hidden, shared * width, shape.dtype, name=f"{name}.shared_experts"),
    )
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype)
    mixer, cache = latent_attention(config, shape.dtype)
    if config.flag("mla_use_output_gate"):
        gate = shape.heads * config.integer("v_head_dim")
        mixer += linear(
            "self_attn.g_proj", gate, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=shape.heads
        )
    latent = (mixer, cache)
    return _model(config, shape, kinds, delta, latent, dense, routed, Routing(experts, chosen, shared))


def _into_latent(config: Config, shape: Shape, width: int, name: str) -> tuple[Tensor, ...]:
    """Return what takes tokens to the width of the experts and back (latent MoE)."""
    return (
        *linear(f"{name}.routed_expert_down_proj", width, shape.hidden, shape.dtype, Role.OTHER),
        *linear(f"{name}.routed_expert_up_proj", shape.hidden, width, shape.dtype, Role.OTHER),
        *(norm(f"{name}.routed_expert_norm", width, shape.dtype) if config.flag("latent_moe_use_norm") else ()),
    )


def _looking_back(shape: Shape, *names: str) -> tuple[Tensor, ...]:
    """Return the norm and the weights by which a residual is mixed from the blocks before (attention residuals)."""
    return tuple(
        tensor
        for name in names
        for tensor in (
            *norm(f"{name}_res_norm", shape.hidden, shape.dtype),
            *linear(f"{name}_res_proj", 1, shape.hidden, shape.dtype, Role.OTHER),
        )
    )


@blueprint("bailing_hybrid")
def bailing_hybrid(config: Config) -> Model:
    """The last layer of each `layer_group_size` has latent attention with a gate a head."""
    shape = read_shape(config, head_dim=1, kv_heads=1)
    dim, kernel = config.integer("head_dim"), config.integer("short_conv_kernel_size")
    delta = kimi_delta(shape, shape.heads, dim, kernel, "attention", "dense", narrow="")
    group = config.integer("layer_group_size")
    habit = [FULL if (index + 1) % group == 0 else "linear_attention" for index in range(shape.layers)]
    experts, chosen = config.integer("num_experts"), config.integer("num_experts_per_token", "num_experts_per_tok")
    shared, width = config.integer("num_shared_experts", least=0), config.integer("moe_intermediate_size")
    routed = moe(shape.hidden, width, experts, shape.dtype, correction="gate.expert_bias", shared=shared * width)
    mixer, cache = latent_attention(config, shape.dtype, name="attention", output="dense")
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
    config: Config, shape: Shape, kinds: list[str], delta: Delta, latent: _Latent, dense: tuple[Tensor, ...],
    routed: tuple[Tensor, ...], routing: Routing, table: str = "embed_tokens",
) -> Model:  # fmt: skip
    common = norms(PRE_NORMS, shape.hidden, shape.dtype)
    last = norm("model.norm", shape.hidden, shape.dtype)
    if "attn_res_block_size" in config:
        common += _looking_back(shape, "self_attention", "mlp")
        last += _looking_back(shape, "model.output_attn")

    def make(kind: tuple[str, bool]) -> Layer:
        mixer, routes = kind
        tensors, choice = (routed, routing) if routes else (dense, None)
        if mixer == FULL:
            return Layer((*latent[0], *tensors, *common), latent[1], routing=choice)
        return Layer((*delta[0], *tensors, *common), state=delta[1], routing=choice)

    layers = layers_of(zip(kinds, dense_first(config, shape.layers, habit=1), strict=True), make)
    return decoder(config, shape, layers, table=table, last=last, tie_field="")
