"""Step-3.5-Flash and Step-3.7 (StepFun): gated attention heads, more of them in sliding layers, routed layers."""

from dataclasses import replace

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import router, shared_experts
from planner.models.parts.layer_types import FULL, SLIDING
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.tensor import Kind, Role, Split, Tensor

_DENSE_FIRST = 3


@blueprint("step3p7")
def step3p7(config: Config) -> Model:
    """One matrix projects what the tower puts out."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config)
    inputs = 4 * vision.integer("hidden_size")
    tensors.linear("vit_large_projector", text.hidden_size, inputs, bias=config.flag("projector_bias"))
    parts = [tower_component("vision", vision, "vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, {})


@blueprint("step3p5")
def step3p5(config: Config) -> Model:
    """`attention_other_setting`, or `num_sliding_attention_heads`, gives the query heads of the sliding layers."""
    shape = read_shape(config)
    other = config.part("attention_other_setting")
    more = config.integer(
        "num_sliding_attention_heads", default=other.integer("num_attention_heads", default=shape.heads)
    )
    window = config.integer("sliding_window") if "sliding_window" in config else None

    def make(kind: tuple[bool, bool]) -> Layer:
        slides, routes = kind
        own = replace(shape, heads=more if slides else shape.heads)
        tensors = (
            *attention(own, bias=config.flag("attention_bias"), head_norms=True),
            *linear(
                "self_attn.g_proj", own.heads, shape.hidden, shape.dtype, Role.ATTENTION, Split.COLUMN, units=own.heads
            ),
            *(_routed(config, shape) if routes else _dense(config, shape)),
            *norms(PRE_NORMS, shape.hidden, shape.dtype),
        )
        return Layer(tensors, own.attention(window if slides else None), routing=_routing(config) if routes else None)

    return decoder(config, shape, layers_of(zip(_sliding(config, shape), _sparse(config, shape), strict=True), make))


def _sliding(config: Config, shape: Shape) -> list[bool]:
    """Whether each layer slides; what `layer_types` says of the prediction layers after the last is left out."""
    kinds = config.texts("layer_types", default=[FULL] * shape.layers)
    if len(kinds) < shape.layers:
        raise config.wrong("layer_types", f"a list of {len(kinds)}", f"one entry for each of {shape.layers} layers")
    return [kind == SLIDING for kind in kinds[: shape.layers]]


def _sparse(config: Config, shape: Shape) -> list[bool]:
    """Whether each layer routes: `mlp_layer_types`, else those that `moe_layers_enum` numbers, else all but three."""
    if "mlp_layer_types" in config:
        return [kind == "sparse" for kind in config.texts("mlp_layer_types")[: shape.layers]]
    numbers = config.get("moe_layers_enum")
    if numbers is None:
        return [index >= _DENSE_FIRST for index in range(shape.layers)]
    listed = str(numbers).split(",") if isinstance(numbers, str) else config.items("moe_layers_enum")
    chosen = {str(number).strip() for number in listed}
    return [str(index) in chosen for index in range(shape.layers)]


def _routing(config: Config) -> Routing:
    experts = config.integer("n_routed_experts", "moe_num_experts", "num_local_experts")
    return Routing(experts, config.integer("num_experts_per_tok", "moe_top_k"), 1)


def _dense(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    return gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=config.flag("mlp_bias"))


def _routed(config: Config, shape: Shape) -> tuple[Tensor, ...]:
    experts, width = _routing(config).experts, config.integer("moe_intermediate_size")
    shared, dtype = config.integer("share_expert_dim", "share_expert_dims"), shape.dtype
    return (
        *router(shape.hidden, experts, dtype, name="moe.gate"),
        Tensor("moe.router_bias", (experts,), F32, Role.ROUTER, kind=Kind.BUFFER),
        *gated_mlp(shape.hidden, width, dtype, name="moe", role=Role.EXPERT, experts=experts),
        *shared_experts(shape.hidden, shared, dtype, name="share_expert", bias=config.flag("mlp_bias")),
    )
