"""Llama 3.2 Vision (arXiv 2407.21783, section 7): cross-attention layers among those of Llama 3.1."""

from planner.models.attention import CacheKind
from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.layer import Layer
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.parts.attention import attention
from planner.models.parts.decoder import decoder
from planner.models.parts.layers import layers_of
from planner.models.parts.mlp import gated_mlp
from planner.models.parts.norm import PRE_NORMS, norms
from planner.models.parts.shape import read_shape
from planner.models.tensor import Role, Tensor

_EXTRA_ROWS = 8


@blueprint("mllama")
def mllama(config: Config) -> Model:
    """One matrix with a bias projects the layers of the tower that the decoder attends to."""
    vision, text = (
        config.part("vision_config"),
        text_model(config),
    )
    taps = len(vision.items("intermediate_layers_indices", default=[3, 7, 15, 23, 30])) + 1
    width = vision.integer("vision_output_dim", default=vision.integer("hidden_size") * taps)
    tensors = projector(config)
    tensors.linear("multi_modal_projector", text.hidden_size, width)
    parts = [tower_component("vision", vision, "vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)


@blueprint("mllama_text_model")
def mllama_text(config: Config) -> Model:
    """Layers of `cross_attention_layers` read keys and values of the image; eight rows of the table are for it."""
    shape = read_shape(config)
    crossing = config.integers("cross_attention_layers", default=[3, 8, 13, 18, 23, 28, 33, 38])
    common = (
        *gated_mlp(shape.hidden, shape.intermediate, shape.dtype),
        *norms(PRE_NORMS, shape.hidden, shape.dtype),
    )

    def make(crosses: bool) -> Layer:
        if not crosses:
            return Layer((*attention(shape), *common), shape.attention())
        gates = [Tensor(f"cross_attn_{part}_gate", (1,), shape.dtype, Role.OTHER) for part in ("attn", "mlp")]
        mixer = attention(shape, name="cross_attn", head_norms=True)
        return Layer((*mixer, *common, *gates), shape.attention(kind=CacheKind.CROSS))

    layers = layers_of((index in crossing for index in range(shape.layers)), make)
    return decoder(config, shape, layers, rows=shape.vocab + _EXTRA_ROWS)
