"""Aya Vision (arXiv 2505.08751) and Command A Vision: SigLIP beside Cohere 2."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tower_component

_INSIDE = {"model.": "model.language_model."}


@blueprint("aya_vision", "cohere2_vision")
def cohere_vision(config: Config) -> Model:
    """Patches are joined, then projected by a gated layer; Aya Vision norms them first."""
    vision, text = config.part("vision_config"), text_model(config)
    joined = vision.integer("hidden_size") * config.integer("downsample_factor") ** 2
    inner = config.integer("alignment_intermediate_size", default=text.hidden_size)
    tensors = projector(config, "model.multi_modal_projector.")
    if config.model_type == "aya_vision":
        tensors.norm("layernorm", joined)
    tensors.linear("linear_1", inner, joined)
    tensors.linear("linear_2", text.hidden_size, inner // 2)
    parts = [tower_component("vision", vision, "model.vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, _INSIDE)
