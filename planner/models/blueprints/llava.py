"""LLaVA (arXiv 2310.03744), Pixtral (2410.07073), Mistral Small 3.1 and Ministral 3: a tower and a projector."""

from planner.models.blueprints import blueprint
from planner.models.config_json import Config
from planner.models.model import Model
from planner.models.multimodal import component, multimodal, projector, text_model, tied_with_text, tower_component

LANGUAGE = {"model.": "language_model.model.", "lm_head": "language_model.lm_head"}


@blueprint("llava")
def llava(config: Config) -> Model:
    """Any tower, two linear layers between it and any decoder."""
    vision = config.part("vision_config")
    text = text_model(config)
    layers = config.get("vision_feature_layer")
    width = vision.integer("hidden_size") * (len(layers) if isinstance(layers, list) else 1)
    tensors = projector(config, "multi_modal_projector.")
    bias = config.flag("multimodal_projector_bias", default=True)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, width, bias=bias)
    prefix = "vision_tower." if vision.model_type == "pixtral" else "vision_tower.vision_model."
    parts = [tower_component("vision", vision, prefix), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE, tied=tied_with_text(config))


@blueprint("mistral3")
def mistral3(config: Config) -> Model:
    """Patches are merged four to one before the projector."""
    vision = config.part("vision_config")
    text = text_model(config)
    width, merge = vision.integer("hidden_size"), config.integer("spatial_merge_size", default=2)
    layers = config.get("vision_feature_layer")
    tensors = projector(config, "multi_modal_projector.")
    bias = config.flag("multimodal_projector_bias")
    tensors.norm("norm", width, bias=False)
    tensors.linear("patch_merger.merging_layer", width, width * merge**2, bias=False)
    inputs = width * (len(layers) if isinstance(layers, list) else 1)
    tensors.pair("linear_1", "linear_2", text.hidden_size, text.hidden_size, inputs, bias=bias)
    parts = [tower_component("vision", vision, "vision_tower."), component("projector", tensors)]
    return multimodal(config, text, parts, LANGUAGE)
