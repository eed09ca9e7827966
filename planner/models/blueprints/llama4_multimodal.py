"""Llama 4 with its vision tower."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component
from planner.models.tensor import Split


@blueprint("llama4")
def llama4(config: Config) -> Model:
    """One matrix projects what the adapter of the tower puts out; the decoder says whether the head is tied."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "multi_modal_projector.")
    tensors.linear("linear_1", text.hidden_size, vision.integer("vision_output_dim"), bias=False, split=Split.COLUMN)
    parts = [tower_component("vision", vision, "vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE, tied=text.tied)
