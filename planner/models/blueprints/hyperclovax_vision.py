"""HyperCLOVA X vision: the tower of Qwen2.5-VL beside HyperCLOVA X."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component


@blueprint("hyperclovax_vision_v2")
def hyperclovax_vision(config: Config) -> Model:
    """One linear layer projects what the tower puts out."""
    vision, text = config.part("vision_config"), text_model(config)
    tensors = projector(config, "model.")
    tensors.linear("vision_projector", text.hidden_size, vision.integer("out_hidden_size"))
    parts = [tower_component("vision", vision, "model.vision_model."), component("projector", tensors)]
    return multimodal(config, text, parts, {"model.": "model.language_model."})
