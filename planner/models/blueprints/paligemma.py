"""PaliGemma (arXiv 2407.07726) and PaliGemma 2 (2412.03555): SigLIP beside Gemma."""

from planner.models.blueprints import blueprint
from planner.models.blueprints.llava import LANGUAGE
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("paligemma")
def paligemma(config: Config) -> Model:
    """One linear layer projects the patches."""
    vision, text = config.part("vision_config"), text_model(config)
    outputs = vision.integer("projection_dim", default=config.integer("projection_dim"))
    tensors = projector(config, "multi_modal_projector.")
    tensors.linear("linear", outputs, vision.integer("hidden_size"))
    parts = [tower_component("vision", vision, "vision_tower.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)
