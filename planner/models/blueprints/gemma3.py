"""Gemma 3 with its vision tower (arXiv 2503.19786)."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("gemma3")
def gemma3(config: Config) -> Model:
    """A norm and one matrix project the pooled patches."""
    vision, text = config.part("vision_config"), text_model(config)
    width = vision.integer("hidden_size")
    tensors = projector(config, "multi_modal_projector.")
    tensors.parameter("mm_input_projection_weight", width, text.hidden_size)
    tensors.norm("mm_soft_emb_norm", width, bias=False)
    parts = [tower_component("vision", vision, "vision_tower.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)
