"""ERNIE 4.5 VL: separate experts for text and for images, behind one shared expert."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.dtype import F32
from planner.models.layer import Layer, Routing
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.experts import routed_experts, shared_experts
from planner.models.parts.layers import layers_of
from planner.models.parts.linear import linear
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import Shape, read_shape
from planner.models.parts.tensor_list import TensorList
from planner.models.tensor import Role, Tensor


@blueprint("ernie4_5_vl_moe")
def ernie4_5_vl(config: Config) -> Model:
    """A resampler joins patches in space, then frames in time."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "model.resampler_model.")
    space = vision.integer("hidden_size") * vision.integer("spatial_merge_size") ** 2
    _resampling(tensors, "spatial_linear.", space, space)
    _resampling(tensors, "temporal_linear.", space * vision.integer("temporal_merge_size"), space)
    tensors.linear("mlp", text.hidden_size, space)
    tensors.norm("after_norm", text.hidden_size, bias=False)
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, {})


def _resampling(tensors: TensorList, name: str, inputs: int, outputs: int) -> None:
    tensors.linear(f"{name}0", outputs, inputs)
    tensors.linear(f"{name}2", outputs, outputs)
    tensors.norm(f"{name}3", outputs)


@blueprint("ernie4_5_vl_moe_text")
def ernie4_5_vl_text(config: Config) -> Model:
    """The first layer is dense, unless `mlp_layer_types` says otherwise."""
    shape = read_shape(config)
    bias = config.flag("use_bias")
    common = (*attention(shape, bias=bias), *norms(PRE_NORMS, shape.hidden, shape.dtype))
    dense = gated_mlp(shape.hidden, shape.intermediate, shape.dtype, bias=bias)

    def make(kind: str) -> Layer:
        if kind != "sparse":
            return Layer((*common, *dense), shape.attention())
        tensors, routing = _routed(config, shape, bias)
        return Layer((*common, *tensors), shape.attention(), routing=routing)

    habit = ["dense"] + ["sparse"] * (shape.layers - 1)
    kinds = config.texts("mlp_layer_types", default=habit, length=shape.layers)
    return decoder(config, shape, layers_of(kinds, make))


def _routed(config: Config, shape: Shape, bias: bool) -> tuple[tuple[Tensor, ...], Routing]:
    """Return two sets of experts, each with a router that chooses as many; a token of text goes to the first set."""
    experts, chosen = config.integer("moe_num_experts", "num_experts"), config.integer("moe_k", "num_experts_per_tok")
    widths = config.integers("moe_intermediate_size", default=[1536, 512])
    if len(widths) != 2:
        raise config.wrong("moe_intermediate_size", widths, "two widths, of the text experts and the image experts")
    shared = config.integer("moe_num_shared_experts", default=0, least=0)
    hidden, dtype = shape.hidden, shape.dtype
    tensors = (
        Tensor("mlp.moe_statics.e_score_correction_bias", (2, experts), F32, Role.ROUTER),
        *linear("mlp.gate", experts, hidden, dtype, Role.ROUTER),
        *linear("mlp.gate.weight_1", experts, hidden, dtype, Role.ROUTER, bare=True),
        *(t for width in widths for t in routed_experts(hidden, width, experts, dtype)),
        *(shared_experts(hidden, shared * widths[0], dtype, bias=bias) if shared else ()),
    )
    return tensors, Routing(experts, chosen, shared)
